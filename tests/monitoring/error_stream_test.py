"""When a model began to err more, over windows whose labels came."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit import monitoring_settings
from mlgit.monitoring import error_stream, moments
from mlgit.monitoring.window import Window
from tests.monitoring.windows import declared, labels

SETTINGS = monitoring_settings.parse("churn", {"windows": {"path": "logs", "by": "day(at)"}}, where="x")


def days(rate_by_day, *, rows=500, amounts=False, times=True):
    """A window for each day, whose predictions are wrong that often (of amounts: off by so much), in no order of time."""
    generator, windows, truth, ids = np.random.default_rng(0), [], [], []
    for day, rate in enumerate(rate_by_day, 1):
        names = np.array([f"{day}/{row}" for row in range(rows)], dtype=object)
        label = generator.random(rows) * 10 if amounts else generator.integers(0, 2, rows)
        off = generator.normal(0, rate, rows) if amounts else (generator.random(rows) < rate).astype(int)
        order = generator.permutation(rows)
        at = np.array(
            [f"2026-05-{day:02}T{row * 24 // rows:02}:{row * 1440 // rows % 60:02}:00Z" for row in range(rows)], dtype=object
        )
        known = moments.of(at[order]).at if times else None
        said = label + off if amounts else np.abs(label - off)
        windows.append(Window(f"2026-05-{day:02}", rows, {}, ids=names[order], predictions=said[order], times=known))
        truth += label.tolist()
        ids += names.tolist()
    return windows, labels(truth, ids=ids)


def changes(windows, known):
    return error_stream.changes(windows, settings=SETTINGS, config=declared(), labels=known)


def test_quiet_days_have_no_change():
    assert changes(*days([0.1] * 6)) == ()


def test_change_is_told_with_the_time_at_which_it_began():
    (found,) = changes(*days([0.1] * 4 + [0.3] * 4))
    assert found.near[:10] in ("2026-05-04", "2026-05-05")
    assert found.window == "2026-05-05"
    assert found.told.startswith(f"error rate changed near {found.near}: from {found.before:.6g} to {found.after:.6g}, ")
    assert found.told.endswith(" rows later")
    assert (found.before, found.after) == pytest.approx((0.1, 0.3), abs=0.03)


def test_amounts_are_held_against_by_how_far_they_are_off():
    (found,) = changes(*days([1.0] * 4 + [2.0] * 4, amounts=True))
    assert found.told.startswith("absolute error changed near 2026-05-0")
    assert found.after > 1.5 * found.before


def test_rows_without_a_time_are_called_by_their_window():
    (found,) = changes(*days([0.1] * 4 + [0.3] * 4, times=False))
    assert found.near in ("2026-05-04", "2026-05-05")


def test_rows_without_labels_have_no_part():
    windows, _ = days([0.1] * 4 + [0.3] * 4)
    assert changes(windows, labels([1], ids=["elsewhere"])) == ()


def test_texts_held_against_numbers_are_no_errors():
    windows, _ = days([0.1] * 2)
    names = [name for each in windows for name in each.ids.tolist()]
    assert changes(windows, labels(["yes"] * len(names), ids=names)) == ()
