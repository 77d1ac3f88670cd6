"""Rows become windows: no row is lost, each has a name, and it is told which of them expect more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.monitoring import window_cuts
from mlgit.monitoring.row_table import RowTable, joined
from mlgit.monitoring_settings import Cut, cut
from mlgit.statistics.rows import Coded

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


def table(times, **more):
    values = np.array(times, dtype=object)
    columns = {"ts": values, "x": np.arange(len(values))} | {name: np.array(each) for name, each in more.items()}
    return RowTable(len(values), columns, name="data/now.csv")


def cut_by(rows, by, now=NOW):
    return window_cuts.cut(rows, cut(by), now=now)


def names(found):
    return [each.name for each in found.windows]


_times = st.one_of(
    st.datetimes(datetime(2025, 12, 20), datetime(2026, 5, 9)).map(lambda each: each.isoformat() + "Z"),
    st.sampled_from([None, "soon", "2026-05-20T00:00:00Z", ""]),
)


@given(
    st.lists(_times, min_size=1, max_size=30),
    st.sampled_from(["hour(ts)", "day(ts)", "week(ts)", "month(ts)", "rows(4)", "", "kind"]),
)
def test_every_row_is_in_one_window_or_is_counted(times, by):
    rows = table(times, kind=[str(place % 3) for place in range(len(times))])
    try:
        found = cut_by(rows, by)
    except MlgitError:  # no time at all
        assert "(ts)" in by
        return
    seen = [row for each in found.windows for row in each.columns["x"].tolist()]
    assert len(seen) == len(set(seen))
    assert len(seen) + found.left_out == len(times)
    assert [each.rows for each in found.windows] == [len(each.columns["x"]) for each in found.windows]
    assert len(set(names(found))) == len(found.windows)
    assert all(each.rows for each in found.windows)
    assert bool(found.left_out) == bool([each for each in found.notes if "in no window" in each])


def test_days_are_in_the_order_of_time_whatever_that_of_the_rows():
    found = cut_by(table(["2026-05-04", "2026-05-03T23:59Z", "2026-05-04T01:00+02:00"]), "day(ts)")
    assert names(found) == ["2026-05-03", "2026-05-04"]
    assert [each.columns["x"].tolist() for each in found.windows] == [[1, 2], [0]]
    assert (found.windows[0].since, found.windows[0].until) == ("2026-05-03T23:00:00Z", "2026-05-03T23:59:00Z")


def test_the_last_period_is_complete_once_it_is_over():
    times = ["2026-05-09T10:00Z", "2026-05-10T10:00Z"]
    assert [each.is_complete for each in cut_by(table(times), "day(ts)").windows] == [True, False]
    later = NOW + timedelta(days=1)
    assert [each.is_complete for each in cut_by(table(times), "day(ts)", later).windows] == [True, True]
    assert [each.is_complete for each in cut_by(table(times), "day(ts)", None).windows] == [True, False]


def test_a_chunk_of_rows_is_complete_when_it_is_full():
    found = cut_by(table([None] * 5), "rows(2)").windows
    assert [(each.name, each.rows, each.is_complete) for each in found] == [
        ("rows 1-2", 2, True),
        ("rows 3-4", 2, True),
        ("rows 5-5", 1, False),
    ]


def test_rows_without_a_time_or_of_next_year_are_told():
    found = cut_by(table(["2026-05-03T10:00", None, "soon", "2027-01-01T00:00Z"]), "day(ts)")
    assert names(found) == ["2026-05-03"]
    assert found.left_out == 3
    assert found.notes == (
        "1 row without a time in 'ts': in no window",
        "1 row with no time in 'ts' (as 'soon'): in no window",
        "1 row later than today by 'ts': in no window",
        "times of 'ts' name no zone, and were taken for UTC",
    )


def test_values_are_windows_in_the_order_of_their_names():
    rows = table([None] * 5, batch=["b10", "b2", "b2", "a", "a"])
    assert names(cut_by(rows, "batch")) == ["a", "b10", "b2"]
    numbered = table([None] * 4, batch=[10.0, 2.0, 2.0, np.nan])
    assert names(cut_by(numbered, "batch")) == ["2", "10"]
    assert cut_by(numbered, "batch").left_out == 1


def test_a_value_has_one_name_as_class_or_object():
    objects = table([None] * 3, batch=np.array(["b", "a", "b"], dtype=object))
    coded = RowTable(3, {**objects.columns, "batch": Coded(("a", "b", "unused"), np.array([1, 0, 1]))})
    assert names(cut_by(objects, "batch")) == names(cut_by(coded, "batch")) == ["a", "b"]
    assert [each.digest for each in cut_by(objects, "batch").windows] == [
        each.digest for each in cut_by(coded, "batch").windows
    ]


def test_uncut_rows_are_one_window_called_as_their_source():
    found = cut_by(table(["2026-05-03"] * 3), "")
    assert [(each.name, each.rows, each.is_complete) for each in found.windows] == [("data/now.csv", 3, True)]


def test_the_log_s_own_time_cuts_where_no_input_is_called_so():
    times = np.array(["2026-05-03T10:00:00.000Z", "2026-05-04T10:00:00.000Z"], dtype=object)
    rows = RowTable(2, {"x": np.arange(2)}, {"time": times, "id": np.array(["a", "b"], dtype=object)})
    found = cut_by(rows, "day(ts)").windows
    assert [(each.name, each.ids.tolist()) for each in found] == [("2026-05-03", ["a"]), ("2026-05-04", ["b"])]
    with_input = RowTable(2, {"ts": np.array(["2020-01-01", "2020-01-01"], dtype=object)}, {"time": times})
    assert names(cut_by(with_input, "day(ts)")) == ["2020-01-01"]
    assert names(cut_by(with_input, "day(log_ts)")) == ["2026-05-03", "2026-05-04"]


def test_what_was_answered_goes_with_its_rows():
    roles = {
        "prediction": np.array([0, 1, 0]),
        "score": np.array([0.1, 0.9, 0.2]),
        "version": Coded(("v1", "v2"), np.array([0, 1, 0])),
    }
    rows = RowTable(3, {"day": np.array(["b", "a", "b"], dtype=object)}, roles)
    first, second = cut_by(rows, "day").windows
    assert (first.predictions.tolist(), first.scores.tolist(), first.versions) == ([1], [0.9], ("v2",))
    assert (second.predictions.tolist(), second.scores.tolist(), second.versions) == ([0, 0], [0.1, 0.2], ("v1",))


def test_answers_are_part_of_what_a_window_says():
    columns = {"x": np.arange(2)}
    one, other = (RowTable(2, columns, {"prediction": np.array(each)}) for each in ([0, 1], [1, 1]))
    assert cut_by(one, "").windows[0].digest != cut_by(other, "").windows[0].digest


@pytest.mark.parametrize(
    ("by", "what"),
    [
        ("day(tss)", "no column 'tss' to cut windows by, did you mean 'ts'"),
        ("day(x)", "'x' has no times, as '0'"),
        ("long", "'long' has texts as 'aaaa"),
    ],
)
def test_what_cannot_be_cut_by_is_refused(by, what):
    rows = table(["2026-05-03"] * 3, long=["a" * 300] * 3)
    with pytest.raises(MlgitError, match=what) as refused:
        cut_by(rows, by)
    assert refused.value.hint


def test_a_window_for_each_row_is_refused():
    rows = RowTable(window_cuts.MOST_WINDOWS + 1, {"x": np.arange(window_cuts.MOST_WINDOWS + 1)})
    for by in ("x", "rows(1)"):
        with pytest.raises(MlgitError, match="20001"):
            cut_by(rows, by)


def test_no_rows_are_no_windows():
    assert window_cuts.cut(RowTable(0), Cut("day", "ts")).windows == ()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (([1, 2], [0.5, 1.5]), [1, 2, 0.5, 1.5]),
        (([1.0, 2.0], None), [1.0, 2.0, None, None]),
        ((["a", "b"], None), ["a", "b", None, None]),
        ((["a", "b"], [1.0, float("nan")]), ["a", "b", 1.0, None]),
        (([True, False], [True, True]), [True, False, True, True]),
        (([True, False], None), [True, False, None, None]),
        (([float("nan")] * 2, ["a", "b"]), [None, None, "a", "b"]),
    ],
)
def test_columns_of_several_files_are_put_below_each_other(pieces, expected):
    tables = [
        RowTable(
            2,
            {"y": np.arange(2)}
            | ({} if each is None else {"x": np.array(each, dtype=object if isinstance(each[0], str) else None)}),
        )
        for each in pieces
    ]
    found = np.asarray(joined(tables).columns["x"]).tolist()
    assert [None if each != each else each for each in found] == expected


def test_classes_of_several_files_stay_classes():
    one, other = Coded(("a", "b"), np.array([0, 1])), Coded(("b", "c"), np.array([1, 0]))
    found = joined([RowTable(2, {"x": one}), RowTable(2, {"x": other}), RowTable(2, {"x": one})]).columns["x"]
    assert isinstance(found, Coded)
    assert found.tolist() == ["a", "b", "c", "b", "a", "b"]
