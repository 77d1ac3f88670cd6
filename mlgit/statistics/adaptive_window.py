"""Where the mean of a stream changes: ADWIN (Bifet and Gavaldà 2007, SIAM Data Mining, 443), with its bound on false alarms.

A window of what came last is kept as buckets, each of twice as many values as the next newer kind (Datar and others 2002).
Where the means of an older and a newer part differ by more than chance allows, a change is told, and the window begins anew: so
does river, at the same values. Where the change began is the cut that explains the most of what varies in the window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# The defaults of the implementations in MOA and river.
DELTA = 0.002
_CLOCK = 32
_MOST_ALIKE = 5
_SHORTEST_PART = 5
_GRACE = 10


@dataclass(frozen=True, slots=True)
class MeanChange:
    """A change of the mean: seen at the value `seen`, counted from 0, and begun about at `begun`; and the means from the change
    before it up to the next."""

    seen: int
    begun: int
    before: float
    after: float


def changes(values: Iterable[float], *, delta: float = DELTA) -> list[MeanChange]:
    """The changes of the mean of a stream of finite values, in their order; `delta` bounds the chance of a false one.

    What comes after a change is held against what came since it was seen.
    """
    given = np.array(list(values), dtype=float)
    seen: list[tuple[int, int]] = []
    since, window = 0, _Window(delta)
    for place, value in enumerate(given.tolist()):
        window.add(value)
        if (place - since + 1) % _CLOCK == 0 and window.width > _GRACE and window.differs():
            seen.append((place, since + _cut(given[since : place + 1])))
            since, window = place + 1, _Window(delta)
    bounds = [0, *(begun for _, begun in seen), len(given)]
    means = [float(given[start:stop].mean()) for start, stop in pairwise(bounds)] if seen else []
    return [MeanChange(place, begun, *means[at : at + 2]) for at, (place, begun) in enumerate(seen)]


def _cut(window: Array) -> int:
    """Where a change in a window most probably began: the cut between whose sides the means explain the most."""
    size, sums = len(window), np.cumsum(window)
    older = np.arange(1, size)
    before, after = sums[:-1] / older, (sums[-1] - sums[:-1]) / (size - older)
    return int(np.argmax(older * (size - older) * (before - after) ** 2)) + 1


class _Window:
    """The buckets of the last values: row k has the sums of those of 2**k values, the oldest first."""

    def __init__(self, delta: float) -> None:
        self._delta = delta
        self._rows: list[list[float]] = [[]]
        self.width, self._total, self._spread = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        if self.width:
            self._spread += self.width * (value - self._total / self.width) ** 2 / (self.width + 1)
        self.width += 1
        self._total += value
        self._rows[0].append(value)
        self._compress()

    def _compress(self) -> None:
        """Of more than so many buckets of one size, the two oldest become one of the next."""
        for size, row in enumerate(self._rows):
            if len(row) <= _MOST_ALIKE:
                return
            both = row.pop(0) + row.pop(0)
            if size + 1 == len(self._rows):
                self._rows.append([])
            self._rows[size + 1].append(both)

    def differs(self) -> bool:
        """Whether some older part differs from the newer one by more than chance allows."""
        chance = math.log(2 * math.log(self.width) / self._delta)
        variance = max(self._spread / self.width, 0.0)
        older, total = 0, 0.0
        for size in range(len(self._rows) - 1, -1, -1):
            for bucket in self._rows[size]:
                older += 2**size
                total += bucket
                newer = self.width - older
                if newer < _SHORTEST_PART:
                    return False
                if older < _SHORTEST_PART:
                    continue
                scale = 1 / (older - _SHORTEST_PART + 1) + 1 / (newer - _SHORTEST_PART + 1)
                allowed = math.sqrt(2 * scale * variance * chance) + 2 / 3 * chance * scale
                if abs(total / older - (self._total - total) / newer) > allowed:
                    return True
        return False
