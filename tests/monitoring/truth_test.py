"""Labels and rows brought together by id, and which of them are old enough."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.errors import MlgitError
from mlgit.monitoring import moments, truth
from mlgit.monitoring.window import Window
from tests.monitoring.windows import labels

IDS = np.array(["r0", "r1", "r2", "r3"], dtype=object)


def window(**more):
    return Window("day", 4, {}, until="2026-05-03T12:00:00Z", ids=IDS, **more)


def test_rows_find_their_label_by_id():
    found = truth.joined(window(), labels([1, 0, 1], ids=["r3", "x", "r0"]))
    assert found.places.tolist() == [0, 3]
    assert found.labelled.tolist() == [2, 0]
    assert found.notes == ("2 of 4 rows old enough for a label have none",)


def test_row_younger_than_the_lag_does_not_count_however_early_its_label_came():
    known = labels([1, 0, 1, 1], lag=30, newest="2026-06-01T00:00:00Z")
    times = np.array(["2026-04-01T00:00:00Z", "2026-05-02T00:00:00Z", "2026-05-02T00:00:01Z", None], dtype=object)
    by_row = truth.joined(window(times=moments.of(times).at), known)
    assert by_row.places.tolist() == [0, 1]
    assert by_row.young == 2
    assert by_row.notes == ("2 rows too young for a label to count",)


def test_without_times_of_rows_all_are_as_old_as_the_youngest():
    known = labels([1, 0, 1, 1], lag=30, newest="2026-06-02T11:59:59Z")
    assert truth.joined(window(), known).young == 4
    assert truth.joined(window(), labels([1, 0, 1, 1], lag=30, newest="2026-06-02T12:00:00Z")).young == 0


def test_lag_that_no_time_can_be_held_against_is_told():
    found = truth.joined(Window("all", 4, {}, ids=IDS), labels([1, 0, 1, 1], lag=30, newest="2026-06-02"))
    assert found.is_timeless
    assert found.notes == ("rows have no time, so each counts however young it is",)


def test_id_with_two_labels_is_refused():
    with pytest.raises(MlgitError, match="'a' has two labels"):
        truth.by_id(["a", "b", "a"], [1, 0, 0], path="labels.csv")


def test_id_with_the_same_label_twice_counts_once_and_the_last_time():
    places, columns = truth.by_id(["a", "b", "a"], [1, 0, 1], path="x", also={"paid": [1, 2, 3]})
    assert columns["paid"][places["a"]] == 3
    assert len(places) == 2


def test_rows_without_id_or_label_are_no_labels():
    places, columns = truth.by_id(["a", None, "c"], [1.0, 1.0, np.nan], path="x")
    assert places == {"a": 0}
    assert columns["label"].tolist() == [1.0]


def test_numbers_of_objects_become_numbers_and_texts_stay():
    assert truth.plain(np.array([1, 0, 1], dtype=object)).dtype.kind == "i"
    assert truth.plain([True, False]).dtype.kind == "b"
    assert truth.plain([1, "a", None]).tolist() == [1, "a", None]
    assert truth.plain([2**60, 0.5]).dtype.kind == "O"  # not exact as a float


def test_newest_time_is_the_latest_and_not_the_last_in_the_alphabet():
    assert truth.newest(["2026-05-03T23:30:00+02:00", "2026-05-03T22:00:00Z", "never", None]) == "2026-05-03T22:00:00Z"
    assert truth.newest(["never", ""]) == ""
    assert truth.newest([]) == ""
