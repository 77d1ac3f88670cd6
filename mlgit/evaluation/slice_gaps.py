"""How far apart the slices of one model are: every pair of them, with the ends of its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from mlgit.evaluation.results import Part, SliceGap, SliceGaps
from mlgit.statistics import unpaired
from mlgit.statistics.bootstrap import Interval

# From here on pairs that are looked at once more would be found one at a time, and each look costs an interval of every slice.
_MOST_STEPS = 5


def measure(
    groups: Sequence[Sequence[Part]],
    intervals: Callable[[float], Mapping[Part, Interval]],
    *,
    most: float,
    alpha: float,
    is_corrected: bool,
) -> SliceGaps:
    """The pairs of slices within each group, groups being the slices by the same columns.

    `intervals(alpha)` gives the interval of each slice whose ends are wrong with the chance alpha each. With a correction, a
    lower end heeds how many pairs there are, by Holm's steps: as long as it shows that some are more than `most` apart,
    the others have fewer beside them.
    """
    plain = intervals(alpha)
    values = {part: each.value for part, each in plain.items() if each.value is not None and math.isfinite(each.value)}
    pairs = [
        (one, other) if values[one] >= values[other] else (other, one)
        for group in groups
        for one, other in combinations([part for part in group if part in values], 2)
    ]
    # two slices that must not differ at all may differ either way, and chance has two ways to err
    tests = len(pairs) * (1 if most > 0 else 2) if is_corrected else 1 if most > 0 else 2
    # no end is above `most` with a correction that is not above it without
    is_open = any((end := _ends(plain[one], plain[other])[0]) is not None and end > most for one, other in pairs)
    chosen = pairs if is_open else []
    least = _least(chosen, intervals, most=most, alpha=alpha, tests=tests, is_corrected=is_corrected)
    found = tuple(
        SliceGap(one, other, values[one] - values[other], *_ends(plain[one], plain[other]), least.get((one, other)), rows)
        for one, other in pairs
        for rows in (min(plain[one].n, plain[other].n),)
    )
    draws = min((each.draws for each in plain.values() if each.draws), default=0)
    without = tuple(part for part in plain if part not in values)
    return SliceGaps(values, found, without, draws, tuple(part for part, each in plain.items() if not each.may_pass))


def _least(
    pairs: Sequence[tuple[Part, Part]],
    intervals: Callable[[float], Mapping[Part, Interval]],
    *,
    most: float,
    alpha: float,
    tests: int,
    is_corrected: bool,
) -> dict[tuple[Part, Part], float | None]:
    """The lower end of each pair, by Holm's steps."""
    found: dict[tuple[Part, Part], float | None] = {}
    shown: set[tuple[Part, Part]] = set()
    for _ in range(_MOST_STEPS if pairs else 0):
        seen = intervals(alpha / (tests - len(shown) if is_corrected else tests))
        found |= {pair: _ends(seen[pair[0]], seen[pair[1]])[0] for pair in pairs if pair not in shown}
        new = {pair for pair, end in found.items() if end is not None and end > most} - shown
        shown |= new
        if not new or not is_corrected or len(shown) == len(pairs):
            break
    return found


def _ends(one: Interval, other: Interval) -> tuple[float | None, float | None]:
    if (
        one.value is None
        or one.low is None
        or one.high is None
        or other.value is None
        or other.low is None
        or other.high is None
    ):
        return None, None
    return unpaired.difference((one.value, one.low, one.high), (other.value, other.low, other.high))
