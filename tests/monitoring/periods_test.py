"""Hours, days, weeks and months: where they begin and end, and their names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.monitoring import periods

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_instants = st.datetimes(datetime(1901, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))


def _first(moment, kind):
    return {
        "hour": moment.replace(minute=0, second=0, microsecond=0),
        "day": moment.replace(hour=0, minute=0, second=0, microsecond=0),
        "week": moment.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=moment.weekday()),
        "month": moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
    }[kind]


@given(_instants, st.sampled_from(periods.PERIODS))
def test_a_moment_lies_in_the_period_of_the_calendar(moment, kind):
    begin = periods.begin(moment, kind)
    assert begin == _first(moment, kind)
    first = (begin - _EPOCH) // timedelta(microseconds=1)
    end = _EPOCH + timedelta(microseconds=periods.end(first, kind))
    assert begin <= moment < end
    assert periods.begin(end, kind) == end  # the next one begins there


@pytest.mark.parametrize(
    ("kind", "name"), [("hour", "2027-01-01T14"), ("day", "2027-01-01"), ("week", "2026-W53"), ("month", "2027-01")]
)
def test_a_period_has_the_name_that_iso_8601_gives_it(kind, name):
    at = np.array([(datetime(2027, 1, 1, 14, 30, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)])
    assert periods.name(int(periods.begins(at, kind)[0]), kind) == name
