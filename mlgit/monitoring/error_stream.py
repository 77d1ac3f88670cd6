"""When a model began to err more, or less: its errors row by row in the order of time, over all windows that have labels.

What is wrong counts 1 for classes; for amounts it is how far off. A metric of a window says how a day was, and this when it
began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.config import Config
from mlgit.monitoring import moments, truth, watched_metrics
from mlgit.monitoring.truth import Labels
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Monitoring
from mlgit.render.text import count, number
from mlgit.statistics import adaptive_window, rows

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True)
class ErrorChange:
    """The error changed `near` a time, or window where rows have none; that was seen in `window`, so many rows `later`."""

    window: str
    near: str
    before: float
    after: float
    later: int
    are_amounts: bool = False

    @property
    def told(self) -> str:
        """The change in a sentence."""
        what = "absolute error" if self.are_amounts else "error rate"
        seen = f"seen {count(self.later, 'row')} later" if self.later else "seen at once"
        return f"{what} changed near {self.near}: from {number(self.before)} to {number(self.after)}, {seen}"


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """Errors of one window in the order of time, and the time of each, as windows have it."""

    window: Window
    values: Array
    times: Array
    are_amounts: bool


def changes(
    windows: Sequence[Window],
    *,
    settings: Monitoring,
    config: Config,
    labels: Labels,
    delta: float = adaptive_window.DELTA,
) -> tuple[ErrorChange, ...]:
    """The changes of the error over these windows, which come in the order of time: by ADWIN, whose chance of telling a false
    one is bounded by `delta`.
    """
    model = watched_metrics.declared_model(config, settings.model)
    found = [each for window in windows if (each := _errors(window, labels, positive=model.positive)) is not None]
    if not found:
        return ()
    are_amounts = any(each.are_amounts for each in found)
    values = np.concatenate([each.values for each in found])
    places = list(_places(found))
    return tuple(
        ErrorChange(
            places[each.seen][0].name,
            _near(*places[each.begun]),
            each.before,
            each.after,
            each.seen - each.begun,
            are_amounts,
        )
        for each in adaptive_window.changes(values.tolist(), delta=delta)
    )


def _places(found: Sequence[_Errors]) -> Iterator[tuple[Window, int]]:
    for each in found:
        yield from ((each.window, time) for time in each.times.tolist())


def _near(window: Window, time: int) -> str:
    return window.name if time == moments.NONE else moments.shown(time)[:16].replace("T", " ")


def _errors(window: Window, labels: Labels, *, positive: object) -> _Errors | None:
    if window.ids is None or window.predictions is None:
        return None
    joined = truth.joined(window, labels)
    given = truth.plain(np.asarray(window.predictions)[joined.places])
    known = truth.plain(labels.columns[labels.label][joined.labelled])
    kept = ~(rows.is_missing(given) | rows.is_missing(known))
    given, known = given[kept], known[kept]
    kinds = {each.dtype.kind in "biuf" for each in (given, known)}
    if not len(given) or len(kinds) > 1:  # texts are no numbers: the metrics say so
        return None
    are_numbers = kinds == {True}
    is_amount = are_numbers and positive is None and bool((given.astype(float) % 1).any())
    values = np.abs(given.astype(float) - known.astype(float)) if is_amount else (given != known).astype(float)
    times = np.full(len(values), moments.NONE) if window.times is None else window.times[joined.places][kept]
    order = np.argsort(times, kind="stable")
    return _Errors(window, values[order], times[order], is_amount)
