"""What moved, in people's words."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.monitoring import drift, effects, sketching
from mlgit.monitoring.sketching import WatchedColumn
from mlgit.monitoring.verdict import ColumnDrift

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(0, 1, 2000)


def texts(*values):
    return np.fromiter(values, dtype=object, count=len(values))


def said(kind, reference, window, *, is_classified=False):
    counted = sketching.counted([WatchedColumn("x", kind, is_classified)], [{"x": reference}])
    found = sketching.window_counts([cells for cells, _ in counted], {"x": window}, rows=len(window))
    (column,) = effects.described(counted, found, scores={}, importance={})
    return column.effect, column.note


def test_mean_and_deviation_are_told_in_deviations_of_the_reference():
    assert said("number", NORMAL, NORMAL * 2 + 1)[0] == f"mean {(NORMAL.mean() + 1) / NORMAL.std():+.2f} sd; sd x2.00"


def test_numbers_far_from_nothing_are_told_as_others_are():
    assert said("number", 1.7e12 + NORMAL, 1.7e12 + NORMAL + 1)[0] == "mean +1.00 sd"


def test_constant_that_became_another_is_told_by_its_values():
    assert said("number", np.full(50, 0.1), np.full(50, 0.2))[0] == "mean 0.1 -> 0.2"


def test_infinite_values_are_told_by_their_cell_and_not_as_a_mean():
    assert said("number", NORMAL, np.where(np.arange(2000) % 2, np.inf, NORMAL))[0].endswith("-> 52 %")


def test_missing_values_are_told_alone_where_nothing_else_is_left():
    assert said("number", NORMAL, np.full(50, np.nan)) == ("missing 0 % -> 100 %", "")
    assert said("category", texts("a", "b"), texts(None, None)) == ("missing 0 % -> 100 %", "")


def test_new_levels_are_named_with_their_rows_and_long_ones_cut():
    _, note = said("category", texts("a", "b"), texts("a", "EUR", "EUR", "x" * 500))
    assert note == f"new level 'EUR', 2 rows; new level '{'x' * 37}...', 1 row"
    effect, _ = said("category", texts(*["a" * 500, "b"] * 50), texts(*["b"] * 50))
    assert len(effect) < 100


@pytest.mark.parametrize(
    ("kind", "reference", "window"),
    [
        ("number", np.array([43217.5, 81234.25] * 50), np.array([43217.5, 99887.5] * 9)),
        ("number", np.full(50, 43217.5), np.full(20, 81234.25)),
        ("number", np.full(50, 43217.5), texts(*["secret-43217"] * 20)),
        ("category", texts(*["secret-43217", "b"] * 50), texts(*["secret-812"] * 20)),
        ("text", texts(*["secret 43217 of some people"] * 50), texts(*["secret 812"] * 20)),
    ],
)
def test_nothing_of_a_classified_column_is_named(kind, reference, window):
    counted = sketching.counted([WatchedColumn("x", kind, is_classified=True)], [{"x": reference}])
    found = sketching.window_counts([cells for cells, _ in counted], {"x": window}, rows=len(window))
    shown = repr(counted) + repr(found) + repr(effects.described(counted, found, scores={}, importance={}))
    for value in ("secret", "43217", "81234", "99887", "812 "):
        assert value not in shown


def test_columns_that_did_not_move_get_no_line():
    still, moved = ColumnDrift("a", 0.5, None, "mean +0.06 sd"), ColumnDrift("b", 9.0, None, "mean +2.00 sd")
    assert effects.moved([moved, still]) == [moved]


def test_column_with_infinite_values_has_no_deviation():
    ((_, counts),) = sketching.counted([WatchedColumn("x", "number")], [{"x": np.append(NORMAL, np.inf)}])
    assert drift.deviation(counts) == 0.0


def test_numbers_that_have_left_the_reference_behind_are_named():
    rng = np.random.default_rng(0)
    columns = sketching.counted(
        [WatchedColumn("level", "number"), WatchedColumn("x", "number"), WatchedColumn("flag", "number")],
        [{"level": np.arange(400) / 10, "x": rng.normal(size=400), "flag": (np.arange(400) < 380).astype(float)}],
    )
    today = {"level": 60 + np.arange(50) / 10, "x": rng.normal(size=50), "flag": np.ones(50)}
    window = sketching.window_counts([each for each, _ in columns], today, rows=50)
    assert effects.beyond(columns, window) == ["level"]
