"""What turned out to be true of logged rows: labels by the id of the row, and which rows are old enough for theirs to count.

A label that comes soon is often of another kind than one that comes late: a loan that fails does so before one that is paid
back. So a row counts when `lag` days have passed since it was answered, and not before, however early its label is known. The
clock is the data's own: the newest time in log or labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.monitoring import moments
from mlgit.monitoring.window import Window
from mlgit.render.text import count

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_DAY = 86_400 * moments.SECOND
# Larger whole numbers are not exact beside floats.
_EXACT = 2**53


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A table of labels: `places` tells the row of each id in `columns`, of which `label` is the truth.

    `lag` is in days; `newest` is the clock of log and labels in ISO 8601, '' where neither has a time.
    """

    path: str
    label: str
    places: Mapping[str, int]
    columns: Mapping[str, Array]
    lag: int = 0
    newest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """The rows of a window that have a label and are old enough: their places in the window, and in the labels.

    `young` rows are not old enough yet, and `unlabelled` ones are, and have no label. `is_timeless`: nothing tells their age.
    """

    places: Array
    labelled: Array
    young: int = 0
    unlabelled: int = 0
    is_timeless: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the labels of this window."""
        mature = len(self.places) + self.unlabelled
        found = []
        if self.unlabelled:
            are = "has" if self.unlabelled == 1 else "have"
            found.append(f"{self.unlabelled:,} of {count(mature, 'row')} old enough for a label {are} none")
        if self.young:
            found.append(f"{count(self.young, 'row')} too young for a label to count")
        if self.is_timeless:
            found.append("rows have no time, so each counts however young it is")
        return tuple(found)


def by_id(
    ids: Any, labels: Any, *, path: str, label: str = "label", also: Mapping[str, Any] | None = None
) -> tuple[dict[str, int], dict[str, Array]]:
    """The row of each id that has a label, and the columns of such rows: `label` and those of `also`.

    An id that comes twice with the same label counts once, the last time. Raises MlgitError where its labels differ.
    """
    names, truth = np.asarray(ids).tolist(), np.asarray(labels).tolist()
    places: dict[str, int] = {}
    for place, (name, known) in enumerate(zip(names, truth, strict=True)):
        if known is None or known != known or name is None or name != name:
            continue
        if truth[places.setdefault(str(name), place)] != known:
            raise MlgitError(f"{path}: '{name}' has two labels", "keep the one that counts")
        places[str(name)] = place
    kept = np.fromiter(places.values(), dtype=np.int64, count=len(places))
    columns = {each: np.asarray(values)[kept] for each, values in {**(also or {}), label: labels}.items()}
    return {name: place for place, name in enumerate(places)}, {name: plain(each) for name, each in columns.items()}


def plain(values: Any) -> Array:
    """A column as an array: of truth values or of numbers where all are, else of what there is."""
    if not isinstance(values, list):
        given = np.asarray(values)
        if given.dtype.kind in "biuf":
            return given
        values = given.tolist()
    listed = [each.item() if isinstance(each, np.generic) else each for each in values]
    kinds = set(map(type, listed))
    if kinds == {bool} or (kinds <= {int, float} and all(abs(each) < _EXACT for each in listed if type(each) is int)):
        return np.array(listed)
    return np.fromiter(listed, dtype=object, count=len(listed))


def joined(window: Window, labels: Labels) -> LabelledRows:
    """The rows of a window that have a label that counts; one without a time is as old as the youngest of the window."""
    ids = [] if window.ids is None else np.asarray(window.ids).tolist()
    row = np.fromiter((labels.places.get(str(each), -1) for each in ids), dtype=np.int64, count=len(ids))
    is_old = np.ones(len(ids), dtype=bool)
    times = _times(window, len(ids)) if labels.lag else None
    now = _moment(labels.newest) if labels.lag else None
    if times is not None and now is not None:
        is_old = times <= now - labels.lag * _DAY
    has = row >= 0
    return LabelledRows(
        np.flatnonzero(is_old & has),
        row[is_old & has],
        int((~is_old).sum()),
        int((is_old & ~has).sum()),
        bool(labels.lag and (times is None or now is None)),
    )


def _times(window: Window, rows: int) -> Array | None:
    until = _moment(window.until)
    if window.times is not None and len(window.times) == rows and (window.times != moments.NONE).any():
        return np.where(window.times != moments.NONE, window.times, np.iinfo(np.int64).max if until is None else until)
    return None if until is None else np.full(rows, until)


def _moment(text: str) -> int | None:
    found = int(moments.of(np.array([text], dtype=object)).at[0])
    return None if found == moments.NONE else found


def newest(given: Sequence[Any]) -> str:
    """The latest of some times in ISO 8601; '' where none is one."""
    found = moments.of(np.fromiter(given, dtype=object, count=len(given))).at
    known = found[found != moments.NONE]
    return moments.shown(int(known.max())) if len(known) else ""
