"""How often seeds, folds and repeats show what is not so: a sample of what docs/review.md promises."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.kit import FULL

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
DRAWS = 4000 if FULL else 200
_SPEC = importlib.util.spec_from_file_location("simulation_seeds", DOCS / "simulation_seeds.py")
simulation = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = simulation
_SPEC.loader.exec_module(simulation)


def slack(share):
    """What chance adds to a share of the draws of both sides."""
    return 2.6 * (share * (1 - share) / (2 * DRAWS)) ** 0.5


@pytest.mark.parametrize("cell", simulation.CELLS, ids=str)
def test_equal_recipes_are_called_different_as_rarely_as_promised(cell):
    rows, _, own = simulation.wrong(cell, draws=DRAWS)
    assert 0.02 - slack(0.02) <= own <= 0.06 + slack(0.06)
    assert rows > own


def test_rows_alone_take_the_luck_of_a_seed_for_a_better_recipe():
    rows, bootstrap, own = simulation.wrong(simulation.Cell("", 2, 2, rows=0.3, seeds=3.0), draws=DRAWS)
    assert rows > 0.3
    assert bootstrap > 0.1
    assert own <= 0.06 + slack(0.06)


@pytest.mark.parametrize("number", simulation.FOLDS)
def test_folds_keep_their_promise(number):
    plain, corrected = simulation.wrong_by_folds(number, draws=DRAWS)
    assert corrected <= 0.05 + slack(0.05)
    assert corrected < plain


@pytest.mark.parametrize("number", simulation.REPEATS)
def test_repeats_of_a_case_are_drawn_with_their_case(number):
    assert simulation.repeats(200, number, apart=True, draws=DRAWS) <= 0.06 + slack(0.06)


def test_answers_drawn_one_by_one_are_wrong_and_more_repeats_find_more():
    assert simulation.repeats(200, 10, apart=True, whole=False, draws=DRAWS) > 0.12
    few, many = (simulation.repeats(200, number, drop=0.05, draws=DRAWS) for number in (1, 10))
    assert few < 0.6
    assert many > 0.9


def test_tables_of_the_page_are_those_of_the_simulation(capsys):
    page = (DOCS / "review.md").read_text()
    if FULL:
        for show in simulation.TABLES.values():
            show(simulation.DRAWS)
        assert [line for line in capsys.readouterr().out.splitlines() if line not in page] == []
    cell = simulation.CELLS[0]
    assert simulation.line(cell, simulation.wrong(cell)) in page
