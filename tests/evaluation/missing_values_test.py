"""Rows with a value on one side only: left out on both, and no way to be better."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.evaluation import metric_values
from mlgit.evaluation.comparison_settings import ComparisonSettings

NUMBER = 400
RNG = np.random.default_rng(4)
VALUES = RNG.uniform(0, 1, NUMBER)
METRICS = {
    "judge": {"direction": "higher", "column": "judge", "max_missing": "10%"},
    "rate": {"direction": "higher", "column": "judge", "aggregate": "ratio", "per": "size", "max_missing": "10%"},
    "middle": {"direction": "higher", "column": "judge", "aggregate": "median", "max_missing": "10%"},
    "tries": {"direction": "higher", "of": "pass_hat_k", "k": 1, "column": "passed", "max_missing": "10%"},
}


def compared(metric, before, now, **declared):
    document = {"mlgit": 1, "metrics": METRICS, "models": {"m": {"predictions": "p.csv", "id": "id", **declared}}}
    settings = ComparisonSettings(resamples=499)
    return metric_values.compare(metric, parse(document).models["m"], before, now, settings, better="higher")


def table(values, **more):
    return {"id": np.arange(NUMBER), "judge": values, "size": np.ones(NUMBER), **more}


def without(values, places):
    return np.where(np.isin(np.arange(NUMBER), places), np.nan, values)


@pytest.mark.parametrize("metric", ["judge", "rate", "middle"])
def test_leaving_out_the_worst_rows_is_no_gain(metric):
    worst = np.argsort(VALUES)[:30]
    found = compared(metric, table(VALUES), table(without(VALUES, worst)))
    assert found.delta == pytest.approx(0)
    assert not found.may_pass
    assert "30 of 400 rows have a value on one side only and are left out; 30 lost it and 0 got one" in found.note


def test_rows_that_chance_takes_on_either_side_are_left_out_on_both():
    one, other = RNG.permutation(NUMBER)[:20].reshape(2, 10)
    found = compared("judge", table(without(VALUES, one)), table(without(VALUES + 0.01, other)))
    assert (found.delta, found.may_pass) == (pytest.approx(0.01), True)
    assert found.note == "20 of 400 rows have a value on one side only and are left out"


def test_rows_without_a_value_on_both_sides_say_nothing_of_either():
    few = np.arange(12)
    found = compared("judge", table(without(VALUES, few)), table(without(VALUES + 0.01, few)))
    assert (found.may_pass, found.note) == (True, "12 of 400 rows have no value and are left out")


def test_tries_that_ended_in_errors_are_no_way_to_pass():
    case, passed = np.arange(NUMBER) // 4, (np.arange(NUMBER) % 4 > 0).astype(float)
    before = table(VALUES, case=case, passed=passed)
    failed = np.flatnonzero(passed == 0)[:30]
    found = compared("tries", before, table(VALUES, case=case, passed=without(passed, failed)), query="case")
    assert found.delta > 0
    assert not found.may_pass
    assert found.note.startswith("30 of 400 rows have a value on one side only, and count there; 30 lost it")


def test_side_that_lacks_more_than_is_declared_is_refused():
    with pytest.raises(MlgitError, match=r"60 of 400 rows have no value, more than the 10 %"):
        compared("judge", table(VALUES), table(without(VALUES, np.arange(60))))
