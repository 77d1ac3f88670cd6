"""Times, however they are written, are one moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.monitoring import iso_times, moments
from mlgit.monitoring.moments import NONE
from mlgit.statistics.rows import Coded

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
AT = (NOON - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _one(value):
    return int(moments.of(np.array([value], dtype=object if isinstance(value, str) else None)).at[0])


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2026-05-03T12:00:00Z",
            "2026-05-03 12:00",
            "2026-05-03T14:00:00+02:00",
            "2026-05-03 12:00:00 UTC",
            " 2026-05-03T12:00 ",
        ),
        *("20260503T120000Z", "2026-05-03 06:30:00 -05:30", "2026-05-03T12:00:00.000000"),
        *(np.datetime64("2026-05-03T12:00"), AT // 10**6, AT / 10**6, AT // 1000, AT, AT * 1000),
    ],
)
def test_a_moment_is_read_in_each_of_its_forms(written):
    assert _one(written) == AT


@pytest.mark.parametrize("written", ["2026-05-03", "20260503", 20260503, "2026-W18-7", np.datetime64("2026-05-03")])
def test_a_day_is_its_first_moment(written):
    assert _one(written) == AT - 12 * 3600 * 10**6


def test_months_and_weeks_of_iso_8601_are_their_first_day():
    assert moments.shown(_one("2026-05")) == "2026-05-01T00:00:00Z"
    assert moments.shown(_one("2026-W18")) == "2026-04-27T00:00:00Z"


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "2026", "12:30", "2026-13-01", "2026-02-30", "9999-12-31", "0001-01-01", "2026-05-03T25:00"),
        *("x" * 10_000, 7, -5, 2026, 1e300, float("inf"), np.datetime64("9999-12-31")),
    ],
)
def test_what_is_no_time_is_none_and_is_counted(written):
    found = moments.of(np.array([written, None], dtype=object) if isinstance(written, str) else np.array([written]))
    assert (found.at[0], found.unreadable) == (NONE, 1)
    assert found.example == str(np.array([written]).tolist()[0])[:60]


def test_what_is_missing_is_no_fault():
    found = moments.of(np.array(["2026-05-03", None, float("nan")], dtype=object))
    assert (found.missing, found.unreadable) == (2, 0)
    assert moments.of(np.array([np.nan, AT / 1e6])).missing == 1


def test_a_time_of_day_without_a_zone_is_told_and_a_day_is_not():
    assert moments.of(np.array(["2026-05-03 12:00"], dtype=object)).zoneless
    assert not moments.of(np.array(["2026-05-03"], dtype=object)).zoneless
    assert not moments.of(np.array(["2026-05-03T12:00Z"], dtype=object)).zoneless


def test_classes_are_read_once_for_all_rows():
    found = moments.of(Coded(("2026-05-03", "never"), np.array([0, 1, 0])))
    assert (found.at == NONE).tolist() == [False, True, False]
    assert (found.unreadable, found.example) == (1, "never")


_moments = st.datetimes(datetime(1901, 1, 1), datetime(2199, 1, 1), timezones=st.sampled_from([UTC]))


def _written(moment, form):
    if form == "day":
        return moment.strftime("%Y-%m-%d")
    text = moment.isoformat(sep=form[0], timespec=form[1:])
    return text.replace("+00:00", "Z")


@given(
    st.lists(_moments, min_size=50, max_size=60),
    st.sampled_from(["day", "Tseconds", " minutes", "Tmilliseconds", "Tmicroseconds"]),
)
def test_many_at_once_are_read_as_one_by_one(instants, form):
    texts = [_written(each, form) for each in instants] + [
        "2026-13-01",
        "soon",
        None,
        "2026-02-30T10:00:00Z",
        "2026-05-03T24:00:00Z",
    ]
    found = iso_times.parse(texts)
    assert found is not None
    at, is_read, _ = found
    alone = np.array([moments._moment(each)[0] for each in texts])
    assert is_read[: len(instants)].all()
    assert not is_read[len(instants) :].any()
    assert at[is_read].tolist() == alone[is_read].tolist()


def test_zones_of_many_are_heeded():
    texts = [f"2026-05-03T{hour:02d}:00:00{zone}" for hour in range(24) for zone in ("+05:30", "+00:00", "+14:00")]
    at, is_read, is_zoneless = iso_times.parse(texts)
    assert is_read.all()
    assert not is_zoneless
    assert at.tolist() == [moments._moment(each)[0] for each in texts]


def test_a_large_column_is_what_its_rows_are():
    texts = [f"2026-05-{1 + day % 28:02d}T00:00:{day % 60:02d}" for day in range(1000)] + ["soon", None]
    found = moments.of(np.array(texts, dtype=object))
    assert (found.unreadable, found.missing, found.zoneless) == (1, 1, True)
    assert found.at[:1000].tolist() == [moments._moment(each)[0] for each in texts[:1000]]


def test_lists_of_numbers_and_truth_values_are_no_times():
    assert moments.of(np.zeros((3, 2))).unreadable == 3
    assert moments.of(np.array([True, False])).unreadable == 2
