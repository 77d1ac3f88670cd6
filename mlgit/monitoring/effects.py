"""What moved in a window, and by how much, in people's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.monitoring.sketch import Cells, ColumnCounts, WindowCounts
from mlgit.monitoring.verdict import ColumnDrift
from mlgit.render.text import count, number
from mlgit.statistics.batch_scores import CountTable, signed_cells

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# What is less is not worth a word.
_LEAST_MEAN, _LEAST_RATIO, _LEAST_SHARE = 0.05, 1.1, 0.005
# Such moves come of infinities, or of placeholders as 1e30.
_LARGE = 1e5
_NEARLY_ALL = 0.9
_MOST_LEVELS = 3
# A mean that is further away from the center of its column is none.
_FARTHEST = 1e100
# Scores are in deviations of quiet batches: a column below both has not moved, or others have so much more.
_LEAST_SCORE, _LEAST_OF_HIGHEST = 2.0, 0.25


def described(
    columns: Sequence[tuple[Cells, ColumnCounts]],
    window: WindowCounts,
    *,
    scores: Mapping[str, float],
    importance: Mapping[str, float],
    pvalues: Mapping[str, float] | None = None,
) -> tuple[ColumnDrift, ...]:
    """Every column with its score, effect and note, the furthest first: a column that matters more comes first among equals."""
    found = []
    for cells, reference in columns:
        mine = window.columns.get(cells.label)
        if mine is None:
            continue
        score = max(scores.get(f"{cells.label}{what}", 0.0) for what in ("", ": missing", ": mean"))
        found.append(
            ColumnDrift(
                cells.label,
                round(score, 4),
                (pvalues or {}).get(cells.label),
                "; ".join(_effects(cells, reference, mine)),
                _unknown(window.unknown.get(cells.label, ()), cells),
                importance.get(cells.name),
            )
        )
    weights = {each.name: 1.0 if each.importance is None else 0.5 + each.importance for each in found}
    return tuple(sorted(found, key=lambda each: (-each.score * weights[each.name], each.name)))


def moved(columns: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    """The columns that are worth a line, of columns in their order: those that moved, and have words for it."""
    highest = max((each.score for each in columns), default=0.0)
    least = max(_LEAST_SCORE, _LEAST_OF_HIGHEST * highest)
    return [each for each in columns if (each.score >= least or each.note) and (each.effect or each.note)]


def beyond(columns: Sequence[tuple[Cells, ColumnCounts]], window: WindowCounts) -> list[str]:
    """The numbers that lie nearly all in an outermost cell, where the reference has few: they may move there unseen."""
    found = []
    for cells, reference in columns:
        mine = window.columns.get(cells.label)
        if mine is None or not cells.edges or not mine.counts.sum():
            continue
        shares, before = mine.counts[0] / mine.counts.sum(), reference.counts.sum(axis=0) / max(reference.counts.sum(), 1)
        if any(shares[end] >= _NEARLY_ALL and before[end] <= 1 - _NEARLY_ALL for end in (0, -1)):
            found.append(cells.label)
    return found


def _effects(cells: Cells, reference: ColumnCounts, mine: ColumnCounts) -> list[str]:
    said = _missing(reference, mine)
    if cells.kind == "category":
        return [*said, *_levels(cells, reference, mine)]
    if cells.kind == "vector":
        return [*said, *_vector(reference, mine)]
    return [*said, *_numbers(cells, reference, mine)]


def _missing(reference: ColumnCounts, mine: ColumnCounts) -> list[str]:
    before = _share(reference.missing, reference.counts)
    now = _share(mine.missing, mine.counts)
    return [f"missing {_percent(before)} -> {_percent(now)}"] if abs(now - before) >= _LEAST_SHARE else []


def _share(missing: Array, counts: Array) -> float:
    return float(missing.sum()) / max(float(missing.sum() + counts.sum()), 1.0)


def _numbers(cells: Cells, reference: ColumnCounts, mine: ColumnCounts) -> list[str]:
    (mean, deviation, before), (now, now_deviation, n) = reference.moments, mine.moments
    if not n or not before:
        return []
    if max(map(abs, (mean, now))) > _FARTHEST:  # infinite ones are among them
        return _cell(cells, reference, mine)
    if not deviation:
        if now == mean or cells.is_classified:
            return [] if now == mean else ["another mean"]
        return [f"mean {number(cells.center + mean)} -> {number(cells.center + now)}"]
    said = []
    moved = (now - mean) / deviation
    if abs(moved) >= _LEAST_MEAN:
        said.append(f"mean {moved:{'+.2f' if abs(moved) < _LARGE else '+.3g'}} sd")
    ratio = now_deviation / deviation
    if n > 1 and not 1 / _LEAST_RATIO <= ratio <= _LEAST_RATIO:
        said.append(f"sd x{ratio:{'.2f' if ratio < _LARGE else '.3g'}}")
    return said or _cell(cells, reference, mine)


def _cell(cells: Cells, reference: ColumnCounts, mine: ColumnCounts) -> list[str]:
    """Where mean and deviation say nothing: the cell that has most too many or too few."""
    if not cells.edges or cells.is_classified:
        return []
    cell, before, now = _furthest(reference, mine)
    if abs(now - before) < _LEAST_SHARE:
        return []
    low = number(cells.edges[cell - 1]) if cell else ""
    high = number(cells.edges[cell]) if cell < len(cells.edges) else ""
    where = f"{low} to {high}" if low and high else f"below {high}" if high else f"{low} and more"
    return [f"{where}: {_percent(before)} -> {_percent(now)}"]


def _furthest(reference: ColumnCounts, mine: ColumnCounts) -> tuple[int, float, float]:
    table = CountTable(mine.counts, np.array([0]), np.array([False]))
    pool = reference.counts.sum(axis=0)
    cell = int(np.abs(signed_cells(table, pool)[0]).argmax())
    return cell, float(pool[cell] / max(pool.sum(), 1)), float(mine.counts[0, cell] / max(mine.counts.sum(), 1))


def _levels(cells: Cells, reference: ColumnCounts, mine: ColumnCounts) -> list[str]:
    cell, before, now = _furthest(reference, mine)
    if abs(now - before) < _LEAST_SHARE or not mine.counts.sum():
        return []
    if cells.is_classified or cells.n_hashed:
        return [f"a level: {_percent(before)} -> {_percent(now)}"]
    if cell == len(cells.levels):
        return []  # new levels are named beside
    return [f"{_quoted(cells.levels[cell])} {_percent(before)} -> {_percent(now)}"]


def _vector(reference: ColumnCounts, mine: ColumnCounts) -> list[str]:
    if reference.sums is None or mine.sums is None:
        return []
    means = [each.sums.sum(axis=0) / max(each.counts.sum(), 1) for each in (reference, mine) if each.sums is not None]
    return [f"mean {float(np.sqrt(((means[1] - means[0]) ** 2).sum())):.2f} sd away"]


def _unknown(levels: Sequence[tuple[str, int]], cells: Cells) -> str:
    if not levels:
        return ""
    word = "new level" if cells.kind == "category" else "no number:"
    said = [f"{word} {_quoted(name)}, {count(rows, 'row')}" for name, rows in levels[:_MOST_LEVELS]]
    more = len(levels) - _MOST_LEVELS
    return "; ".join([*said, *([f"and {more} more"] if more > 0 else [])])


def _quoted(name: str) -> str:
    return f"'{name if len(name) <= 40 else name[:37] + '...'}'"


def _percent(share: float) -> str:
    shown = 100.0 * share
    return f"{shown:.0f} %" if shown >= 9.95 or shown == 0 else f"{shown:.1f} %" if shown >= 0.05 else "<0.1 %"
