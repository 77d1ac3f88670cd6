"""Changes of a mean over time: where another implementation sees them, how seldom for nothing, and how soon."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from mlgit.statistics import adaptive_window
from tests.kit import FULL

# What drift.ADWIN of river 0.26.1 says of the streams below, by seed; the job of `make monitoring-oracle` asks it again.
RIVER = {
    0: [2111, 4479, 6079],
    1: [2079, 4159, 6079],
    2: [2175, 4415, 6079],
    3: [2047, 4063, 6047],
    4: [2047, 4063, 6015],
    5: [2015, 4063, 6047],
}


def stream(seed):
    """8,000 errors with three changes: of classes for the first seeds, else of amounts."""
    generator = np.random.default_rng(seed)
    if seed < 3:
        return (generator.random(8000) < np.repeat([0.1, 0.3, 0.15, 0.5], 2000)).astype(float)
    return generator.exponential(np.repeat([1.0, 2.0, 0.5, 1.5], 2000))


@pytest.mark.parametrize("seed", RIVER)
def test_changes_are_seen_where_river_sees_them(seed):
    assert [each.seen for each in adaptive_window.changes(stream(seed))] == RIVER[seed]


@pytest.mark.parametrize("seed", RIVER)
def test_it_is_told_where_a_change_began_and_what_it_changed(seed):
    found = adaptive_window.changes(stream(seed))
    means = [0.1, 0.3, 0.15, 0.5] if seed < 3 else [1.0, 2.0, 0.5, 1.5]
    for place, each in enumerate(found):
        assert each.begun == pytest.approx(2000 * (place + 1), abs=100)
        assert (each.before, each.after) == pytest.approx((means[place], means[place + 1]), rel=0.25)


@pytest.mark.slow
def test_steady_errors_give_no_alarm_and_twice_as_many_are_seen_soon():
    """Streams of 10,000 at 10 %, then at 20 %: none alarms before, none is missed, and half are seen within about 300 rows."""
    times, delays, false = 200 if FULL else 20, [], 0
    for seed in range(times):
        generator = np.random.default_rng([seed, 7])
        errors = generator.random(20_000) < np.repeat([0.1, 0.2], 10_000)
        found = [each.seen for each in adaptive_window.changes(errors.tolist())]
        false += sum(each < 10_000 for each in found)
        delays.append(min(each for each in found if each >= 10_000) - 10_000)
    assert false <= (0 if not FULL else 2)
    assert 200 < statistics.median(delays) < 500


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 1000, [5.0] * 100])
def test_nothing_changes_where_nothing_varies(values):
    assert adaptive_window.changes(values) == []


def test_smaller_delta_sees_less():
    generator = np.random.default_rng(0)
    errors = (generator.random(4000) < np.repeat([0.1, 0.2], 2000)).tolist()
    assert adaptive_window.changes(errors, delta=0.2)[0].seen <= adaptive_window.changes(errors, delta=1e-6)[0].seen
