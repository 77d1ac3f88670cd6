"""Which points no other point beats in everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Point = tuple[int, tuple[float, ...]]


def front(points: Iterable[Point]) -> list[int]:
    """The names of the points, given as (name, values), for which no other is at least as good in all values and better in one.

    More is better. What comes before a point in the order of all values is all that can beat it, so each is held against the
    front so far only.
    """
    found: list[Point] = []
    for name, values in sorted(points, key=lambda point: point[1], reverse=True):
        if not any(_beats(other, values) for _, other in found):
            found.append((name, values))
    return [name for name, _ in found]


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(mine >= its for mine, its in zip(one, other, strict=True))
