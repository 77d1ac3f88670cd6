"""Whether a window has drifted from what the version was trained with: by ranks, without a threshold of anybody's choice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from mlgit import lazy_numpy as np
from mlgit.monitoring import batch_table, smallest_shift
from mlgit.monitoring.batch_table import BatchTable, Columns
from mlgit.monitoring.sketch import ColumnCounts, Sketch, WindowCounts
from mlgit.monitoring.verdict import Method, SmallestShift
from mlgit.statistics import batch_scores, batch_test, exchangeability
from mlgit.statistics.batch_scores import BatchScores

if TYPE_CHECKING:
    from mlgit.statistics.batch_test import Combined
    from mlgit.statistics.rows import Array

LEAST_BATCHES = 20
# The local score compares a batch with the pool of so many before it.
_POOLED = 8
# Orders of batches that chance gives so rarely are no chance.
_ORDER_ALPHA = 0.01
# What deviates more has infinite values.
_FARTHEST = 1e100

DriftWord = Literal["quiet", "watch", "cannot_tell"]


@dataclass(frozen=True, slots=True, eq=False)
class DriftFinding:
    """What the counts of a window say. `conformal_pvalue` goes into the martingale; None where nothing can be told.

    `scores` are those of the window by the names of `labels`, `pvalues` by column where the method gives some.
    """

    word: DriftWord
    pvalue: float | None = None
    conformal_pvalue: float | None = None
    method: Method = ""
    is_extrapolated: bool = False
    n_batches: int = 0
    smallest: SmallestShift | None = None
    labels: Sequence[str] = ()
    scores: Sequence[float] = ()
    pvalues: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class DriftReference:
    """The batches of a sketch, prepared for many windows; `is_local`: each batch is held against those before it."""

    columns: Columns
    is_local: bool = False
    notes: tuple[str, ...] = ()

    @property
    def n_batches(self) -> int:
        """How many batches there are."""
        return len(self.columns[0][1].missing) if self.columns else 0


def reference(sketch: Sketch, *, size: int = 1) -> DriftReference:
    """The batches of a sketch, `size` of them put together to one, and whether their order matters."""
    found = DriftReference(batch_table.merged(sketch.columns, size=size) if size > 1 else sketch.columns)
    if sketch.batches.kind == "rows" or found.n_batches < LEAST_BATCHES:
        return found
    is_local, notes = _order(found.columns, found.n_batches)
    return replace(found, is_local=is_local, notes=notes)


def judge(
    given: DriftReference, admitted: Sequence[WindowCounts], window: WindowCounts, *, alpha: float, digest: str
) -> DriftFinding:
    """A window beside the batches of its reference, and the windows that were admitted since.

    With 20 batches the reference alone decides, by rank where it has 1/alpha - 1 of them, else by the tail of a Gumbel
    distribution. `digest` is the window's: it seeds what breaks ties.
    """
    # one that lacked a column must not hide it for ever
    admitted = [each for each in admitted if each.columns.keys() >= window.columns.keys()]
    batches = batch_table.assembled(given.columns, [*admitted, window])
    if not batches.cells:
        return DriftFinding("cannot_tell", reason="the window has no column of the reference")
    is_local, n_reference = given.is_local, given.n_batches
    lost = _POOLED if is_local else 0
    is_fixed = n_reference - lost >= LEAST_BATCHES
    n_used = n_reference if is_fixed else n_reference + len(admitted)
    if n_used - lost < LEAST_BATCHES:
        why = _too_few(n_used, LEAST_BATCHES + lost, len(admitted))
        return DriftFinding("cannot_tell", reason=why, n_batches=n_used, notes=given.notes)
    growing = _combined(batches, is_local=is_local)
    uniform = int(hashlib.sha256(digest.encode()).hexdigest()[:13], 16) / 16**13
    conformal = batch_test.smoothed_pvalue(growing.score, uniform=uniform)
    chosen = np.array([*range(n_used), len(batches.table.counts) - 1])
    used = batches.chosen(chosen)
    deciding = growing
    if len(chosen) < len(batches.table.counts):
        # what came just before a window are windows, whatever the reference ended with
        deciding = _local(batches, kept=chosen[_POOLED:] - _POOLED) if is_local else _combined(used, is_local=False)
    judged = decided(deciding, alpha=alpha, is_local=is_local)
    return DriftFinding(
        "watch" if judged.pvalue <= alpha else "quiet",
        judged.pvalue,
        conformal,
        judged.method,
        judged.is_extrapolated,
        n_used - lost,
        None if is_local else _smallest(given, used, deciding, threshold=judged.threshold),
        [*batches.labels, *(f"{name}: mean" for name in batches.means if is_local)],
        deciding.columns[-1].tolist(),
        notes=given.notes,
    )


def _smallest(given: DriftReference, used: BatchTable, deciding: Combined, *, threshold: float) -> SmallestShift:
    deviations = {cells.label: deviation(counts) for cells, counts in given.columns if cells.kind == "number"}
    return smallest_shift.smallest(used, deciding, threshold=threshold, deviations=deviations)


def _too_few(number: int, needed: int, n_admitted: int) -> str:
    found = f"{number} reference {'batch' if number == 1 else 'batches'}, {needed} needed"
    return f"{found} ({n_admitted} of them accepted windows)" if n_admitted else found


def _order(columns: Columns, n_reference: int) -> tuple[bool, tuple[str, ...]]:
    """Whether the reference has a trend or likeness of neighbours, and the sentence about it."""
    batches = batch_table.assembled(columns, [])
    found = exchangeability.order_test(batches.table)
    if min(found.trend_pvalue, found.neighbour_pvalue) >= _ORDER_ALPHA:
        return False, ()
    is_trend = found.trend_pvalue <= found.neighbour_pvalue
    name = batches.table_labels[found.trend_column if is_trend else found.neighbour_column]
    what = "move in one direction" if is_trend else "are like their neighbours"
    told = f"the {n_reference} reference batches {what} (most of all '{name}'), so each is held against the {_POOLED} before it"
    return True, (f"{told}: jumps are seen, creeping is not",)


def _combined(batches: BatchTable, *, is_local: bool) -> Combined:
    if is_local:
        return _local(batches)
    return batch_test.combine(batch_scores.against_rest(batches.table), also=batches.vector_statistics())


def _local(batches: BatchTable, *, kept: Array | None = None) -> Combined:
    """Each batch but the first ones beside those before it; with `kept` only some of them, by their places.

    What moves leaves the cells of its reference in the end, so means are looked at as well.
    """
    table = batches.table
    late = batch_scores.CountTable(table.counts[_POOLED:], table.starts, table.is_ordered)
    found = batch_scores.against(late, _before(table.counts))
    steps = [np.abs(_standard(means[_POOLED:] - _before(means) / _POOLED)) for means in batches.means.values()]
    also = np.column_stack([batches.vector_statistics()[_POOLED:], *steps])
    if kept is not None:
        found = BatchScores(found.cramer_von_mises[kept], found.chi_squared[kept], found.largest_cell[kept])
        also = also[kept]
    return batch_test.combine(found, also=also)


def _before(values: Array) -> Array:
    """The sums of the batches before each, from the first that has enough of them."""
    running = np.cumsum(np.concatenate([np.zeros((1, *values.shape[1:])), values]), axis=0)
    found: Array = running[_POOLED:-1] - running[: -_POOLED - 1]
    return found


def _standard(steps: Array) -> Array:
    """Steps in deviations from the usual one, so that a trend is none."""
    apart = steps - np.median(steps)
    scale = float(np.median(np.abs(apart))) or float(np.abs(apart).mean()) or 1.0
    found: Array = apart / (1.4826 * scale)
    return found


@dataclass(frozen=True, slots=True)
class DecidedScore:
    """What a score amounts to beside all others, and which score would have been too high."""

    pvalue: float
    method: Method
    threshold: float
    is_extrapolated: bool = False


def decided(found: Combined, *, alpha: float, is_local: bool) -> DecidedScore:
    """The last of some scores beside the others: by its rank, or by the tail where there are fewer than 1/alpha."""
    scores = found.score
    number = len(scores)
    allowed = int(alpha * number)  # so many of all scores, its own among them, may be as high
    if allowed:
        threshold = float(np.sort(scores[:-1])[-allowed])
        return DecidedScore(batch_test.rank_pvalue(scores), "local rank" if is_local else "rank", threshold)
    tail = batch_test.tail(scores[:-1])
    method: Method = "local gumbel" if is_local else "gumbel"
    return DecidedScore(tail.pvalue(float(scores[-1])), method, tail.quantile(alpha), is_extrapolated=True)


def deviation(counts: ColumnCounts) -> float:
    """The standard deviation of all known values of a number; 0 where there are none, or infinite ones."""
    _, found, _ = counts.moments
    return found if found < _FARTHEST else 0.0
