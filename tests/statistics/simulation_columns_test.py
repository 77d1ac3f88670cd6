"""How often an answer about a column is wrong: a sample of the cells for which docs/review.md promises something."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.kit import FULL

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
DRAWS = 4000 if FULL else 150
_SPEC = importlib.util.spec_from_file_location("simulation_columns", DOCS / "simulation_columns.py")
simulation = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = simulation
_SPEC.loader.exec_module(simulation)
Cell = simulation.Cell

# The most that may pass or fail wrongly where two models differ in more than a factor: what the page promises.
LIMIT = 0.06
SAMPLE = [
    Cell("mean", "lognormal", 200),
    Cell("mean", "heavy", 200, "series"),
    Cell("mean", "zeros", 1_000, "clusters"),
    Cell("ratio", "clicks", 200, "series"),
    Cell("ratio", "hits", 1_000),
    Cell("p90", "lognormal", 200),
    Cell("share", "truth", 200),
]
EVERY = [cell for name in simulation.LINES for cell in simulation.cells(name) if cell.together < 1]


@pytest.mark.parametrize("cell", EVERY if FULL else SAMPLE, ids=str)
def test_a_loss_at_the_margin_passes_and_fails_as_rarely_as_promised(cell):
    found = simulation.errors(cell, draws=DRAWS)
    slack = 2.6 * (LIMIT * (1 - LIMIT) / DRAWS) ** 0.5
    assert found.false_pass <= LIMIT + slack
    assert found.false_fail <= LIMIT + slack
    assert found.silent <= 0.03 + slack


def test_share_in_which_nothing_was_mended_does_not_pass_for_want_of_rows():
    # one row in a hundred is broken, so that most samples of 50 have none
    assert simulation.errors(Cell("share", "truth", 50, together=1.0), draws=100).false_pass == 0


@pytest.mark.parametrize("name", simulation.LINES if FULL else ["every row worse: mean, lognormal (σ 1)"])
def test_line_of_the_page_is_that_of_the_simulation(name):
    assert simulation.line(name, draws=simulation.DRAWS) in (DOCS / "review.md").read_text().splitlines()
