"""Where the boxes of a layered graph stand and where its edges run: rows from top to bottom, no edge behind a box.

An edge over several rows runs through places of its own in the rows between; edges of one stage share them. A row that would
become wider than the picture should be goes on in the next one. Same graph, same places.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

_MARGIN = 16.0
_BESIDE_BOX, _BESIDE_EDGE = 24.0, 12.0
_NARROWEST, _SHAPE = 1000.0, 1.6  # of a picture, in pixels; how much wider than high many boxes become
_GAP, _WIDEST_GAP = 48.0, 130.0
_ORDER_ROUNDS, _PLACE_ROUNDS = 12, 8
_MOST_PIECES = 5_000  # of edges; with more, nobody follows them, and the order of the rows gets one round only
_STRAIGHT = 200.0  # how much more an edge that passes rows wants to be straight than a box wants to be in the middle

Size = tuple[float, float]
Edge = tuple[int, int]


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float


class EdgePiece(NamedTuple):
    """A piece of an edge, from one row of the picture down to the next."""

    x: float
    y: float
    end_x: float
    end_y: float


class Layout(NamedTuple):
    """The boxes by their numbers, the pieces of the edges, where arrowheads point (to the tops of boxes), and the size."""

    boxes: dict[int, Box]
    runs: tuple[EdgePiece, ...]
    heads: tuple[Size, ...]
    width: float
    height: float


class _Net(NamedTuple):
    """Places in rows: numbers of boxes, and above them those through which edges pass; `up` and `down` join next rows."""

    rows: list[list[int]]
    up: dict[int, list[int]]
    down: dict[int, list[int]]
    row_of: dict[int, int]


def layered(sizes: Mapping[int, Size], edges: Sequence[Edge]) -> Layout:
    """A layout of boxes of these sizes; the first of an edge has the smaller number, for dependencies come first."""
    net = _net(sizes, edges)
    _order(net)
    centres = _centres(net, sizes)
    return _drawn(net, sizes, centres)


def _net(sizes: Mapping[int, Size], edges: Sequence[Edge]) -> _Net:
    row_of = _rows(sizes, edges)
    passing: dict[tuple[int, bool, int], int] = {}
    found = _Net([[] for _ in range(max(row_of.values(), default=-1) + 1)], {}, {}, dict(row_of))
    for number in _depth_first(sizes, edges):
        found.rows[row_of[number]].append(number)
    out, into = _long(edges, row_of, 0), _long(edges, row_of, 1)
    free = max(sizes, default=0) + 1
    for first, last in edges:
        # edges that share a place come from one stage or go to one, so that none seems to lead elsewhere
        is_shared_start = out.get(first, 0) >= into.get(last, 0)
        here = first
        for row in range(row_of[first] + 1, row_of[last]):
            key = (first if is_shared_start else last, is_shared_start, row)
            if key not in passing:
                passing[key] = free
                found.row_of[free] = row
                found.rows[row].append(free)
                free += 1
            _join(found, here, passing[key])
            here = passing[key]
        _join(found, here, last)
    return found


def _join(net: _Net, upper: int, lower: int) -> None:
    below = net.down.setdefault(upper, [])
    if lower not in below:
        below.append(lower)
        net.up.setdefault(lower, []).append(upper)


def _long(edges: Iterable[Edge], row_of: Mapping[int, int], end: int) -> dict[int, int]:
    """How many edges over several rows begin (0) or end (1) at each stage."""
    found: dict[int, int] = {}
    for edge in edges:
        if row_of[edge[1]] - row_of[edge[0]] > 1:
            found[edge[end]] = found.get(edge[end], 0) + 1
    return found


def _rows(sizes: Mapping[int, Size], edges: Sequence[Edge]) -> dict[int, int]:
    """The row of each box: below all that it needs, and where there is still room."""
    needs: dict[int, list[int]] = {number: [] for number in sizes}
    feeds: dict[int, list[int]] = {number: [] for number in sizes}
    for first, last in edges:
        needs[last].append(first)
        feeds[first].append(last)
    area = sum((wide + _BESIDE_BOX) * (high + _GAP) for wide, high in sizes.values())
    widest = max(_NARROWEST, math.sqrt(area * _SHAPE))
    filled: dict[int, float] = {}
    found: dict[int, int] = {}
    for number in _depth_first(sizes, edges):
        row = max((found[need] + 1 for need in needs[number]), default=0)
        wide = sizes[number][0] + _BESIDE_BOX
        while filled.get(row, 0.0) + wide > widest and filled.get(row, 0.0):
            row += 1
        found[number] = row
        filled[row] = filled.get(row, 0.0) + wide
    for number in sizes:  # what needs nothing stands just above what needs it
        nearest = min((found[each] for each in feeds[number]), default=0) - 1
        if not needs[number] and nearest > found[number]:
            found[number] = nearest
    kept = {row: place for place, row in enumerate(sorted(set(found.values())))}
    return {number: kept[row] for number, row in found.items()}


def _depth_first(sizes: Mapping[int, Size], edges: Sequence[Edge]) -> list[int]:
    """The boxes, what is needed first; what follows on a box comes soon after it, so that chains stand side by side."""
    left: dict[int, int] = dict.fromkeys(sizes, 0)
    feeds: dict[int, list[int]] = {number: [] for number in sizes}
    for first, last in edges:
        left[last] += 1
        feeds[first].append(last)
    waiting = [number for number in sorted(sizes, reverse=True) if not left[number]]
    found: list[int] = []
    while waiting:
        number = waiting.pop()
        found.append(number)
        for each in sorted(feeds[number], reverse=True):
            left[each] -= 1
            if not left[each]:
                waiting.append(each)
    return found


def _order(net: _Net) -> None:
    """Put each row into an order in which few edges cross: by the mean place of the neighbours above, then below."""
    best, fewest = [list(row) for row in net.rows], _crossings(net)
    for turn in range(_ORDER_ROUNDS if sum(map(len, net.down.values())) <= _MOST_PIECES else 1):
        if not fewest:
            break
        down = turn % 2 == 0
        beside = net.up if down else net.down
        for row in range(len(net.rows)) if down else range(len(net.rows) - 1, -1, -1):
            other = row - 1 if down else row + 1
            if 0 <= other < len(net.rows):
                place = {number: index for index, number in enumerate(net.rows[other])}
                own = {number: float(index) for index, number in enumerate(net.rows[row])}
                means = {each: _mean([place[near] for near in beside.get(each, ())], own[each]) for each in net.rows[row]}
                net.rows[row].sort(key=lambda each: (means[each], own[each]))
        found = _crossings(net)
        if found < fewest:
            best, fewest = [list(row) for row in net.rows], found
    net.rows[:] = best


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(net: _Net) -> int:
    found = 0
    for upper, lower in pairwise(net.rows):
        place = {number: index for index, number in enumerate(lower)}
        before: list[int] = []
        for number in upper:
            ends = sorted(place[each] for each in net.down.get(number, ()))
            found += sum(len(before) - bisect_right(before, end) for end in ends)
            for end in ends:
                insort(before, end)
    return found


def _centres(net: _Net, sizes: Mapping[int, Size]) -> dict[int, float]:
    """The middle of each place: near its neighbours', in the order of the row, and not too near to the next one."""
    apart = [[_apart(left, right, sizes) for left, right in pairwise(row)] for row in net.rows]
    centres: dict[int, float] = {}
    for row, gaps in zip(net.rows, apart, strict=True):
        centres |= zip(row, _spread([0.0] * len(row), [1.0] * len(row), gaps), strict=True)
    for turn in range(2 * _PLACE_ROUNDS):
        rows = range(len(net.rows)) if turn % 2 == 0 else range(len(net.rows) - 1, -1, -1)
        for index in rows:
            # first from one side, then from both: the last word has the middle of all neighbours
            sides = (net.up, net.down) if turn >= _PLACE_ROUNDS else (net.up,) if turn % 2 == 0 else (net.down,)
            wanted, weights = [], []
            for number in net.rows[index]:
                near = [each for side in sides for each in side.get(number, ())]
                firm = [_STRAIGHT if number not in sizes and each not in sizes else 1.0 for each in near]
                places = [centres[each] * weight for each, weight in zip(near, firm, strict=True)]
                wanted.append(sum(places) / sum(firm) if near else centres[number])
                weights.append(sum(firm) or 0.1)
            centres |= zip(net.rows[index], _spread(wanted, weights, apart[index]), strict=True)
    return centres


def _apart(left: int, right: int, sizes: Mapping[int, Size]) -> float:
    widths = [sizes[each][0] / 2 if each in sizes else 0.0 for each in (left, right)]
    return sum(widths) + (_BESIDE_BOX if left in sizes and right in sizes else _BESIDE_EDGE)


def _spread(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones (least squares) that keep order and gaps: neighbours pool where they meet."""
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for place, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, heavy, many = place - offset, weight, 1
        while pools and pools[-1][0] >= mean:
            before, other, count = pools.pop()
            mean, heavy, many = (before * other + mean * heavy) / (other + heavy), other + heavy, many + count
        pools.append((mean, heavy, many))
    means = [mean for mean, _, many in pools for _ in range(many)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _drawn(net: _Net, sizes: Mapping[int, Size], centres: Mapping[int, float]) -> Layout:
    half = {number: sizes[number][0] / 2 if number in sizes else 0.0 for number in centres}
    start = min((centres[number] - half[number] for number in centres), default=0.0) - _MARGIN
    middle = {number: round(centre - start, 1) for number, centre in centres.items()}
    width = max((middle[number] + half[number] for number in centres), default=_MARGIN) + _MARGIN
    tops: list[float] = []
    bottoms: list[float] = []
    height = _MARGIN
    for places in net.rows:
        tops.append(height)
        bottoms.append(height + max((sizes[number][1] for number in places if number in sizes), default=0.0))
        farthest = max((abs(middle[one] - middle[each]) for one in places for each in net.down.get(one, ())), default=0.0)
        height = bottoms[-1] + min(_WIDEST_GAP, _GAP + farthest / 12)
    boxes = {
        number: Box(middle[number] - wide / 2, tops[net.row_of[number]], wide, high) for number, (wide, high) in sizes.items()
    }
    runs: list[EdgePiece] = []
    for upper in sorted(centres):
        row = net.row_of[upper]
        out = boxes[upper].top + boxes[upper].height if upper in boxes else tops[row]
        if out < bottoms[row] and (upper not in boxes or net.down.get(upper)):
            runs.append(EdgePiece(middle[upper], out, middle[upper], bottoms[row]))
        ends = net.down.get(upper, ())
        runs += [EdgePiece(middle[upper], bottoms[row], middle[lower], tops[net.row_of[lower]]) for lower in ends]
    heads = tuple((middle[number], boxes[number].top) for number in sorted(sizes) if net.up.get(number))
    bottom = (bottoms[-1] if bottoms else _MARGIN) + _MARGIN
    return Layout(boxes, tuple(runs), heads, round(width, 1), round(bottom, 1))
