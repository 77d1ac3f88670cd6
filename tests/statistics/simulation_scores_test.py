"""How often an answer about a ranking or a loss is wrong: a sample of the cells for which docs/review.md promises something."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.kit import FULL

pytestmark = pytest.mark.slow

DRAWS = 4000 if FULL else 150
_SPEC = importlib.util.spec_from_file_location("simulation_scores", Path(__file__).parents[2] / "docs/simulation_scores.py")
simulation = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = simulation
_SPEC.loader.exec_module(simulation)
Cell = simulation.Cell

# The most that may pass wrongly: what the page promises.
LIMITS = {"roc_auc": 0.06}
LIMIT = 0.08
SAMPLE = [
    Cell("roc_auc", 500, 50, 0.995, "wide"),
    Cell("average_precision", 200, 20, 0.995),
    Cell("log_loss", 40, 20, 0.98, together=0.9),
    Cell("brier", 200, 20, 0.995, together=0.9),
    Cell("rmse", 100, shape="t5", together=1.0),
]


@pytest.mark.parametrize("cell", simulation.grid() if FULL else SAMPLE, ids=str)
def test_a_loss_at_the_margin_passes_and_fails_as_rarely_as_promised(cell):
    found = simulation.errors(cell, draws=DRAWS)
    rare = bool(cell.positives) and cell.positives < 20
    limit = 0.1 if rare or (cell.rows < 100 and not cell.positives) else LIMITS.get(cell.metric, LIMIT)
    slack = 2.6 * (limit * (1 - limit) / DRAWS) ** 0.5
    assert max(found.false_pass, found.floor_pass) <= limit + slack
    assert found.false_fail <= 0.08 + slack
    assert found.silent == found.floor_silent == 0


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_few_of_a_class_have_no_answer(metric):
    found = simulation.errors(Cell(metric, 200, 19), draws=5)
    assert (found.silent, found.false_pass) == (1, 0)
