"""The interval of a value between two ends, such as an AUC, from the influence of each row, on the logit scale (`mover`).

Near an end, influences say too little: rows that are few and all in order tell nothing of one that is not. How far a row of the
rarest kind could move the value says how much has to be allowed for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics import influence_intervals, leverage, mover
from mlgit.statistics.distributions import normal_quantile, student_quantile
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.resampling import Spread

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_METHOD = "influences, logit scale"


def has_ends(*found: Estimate, rows: RowStructure) -> bool:
    """Whether these values have an interval of this kind; rows of a series have none."""
    return rows.order is None and all(each.rare is not None for each in found)


def one(found: Estimate, *, rows: RowStructure, confidence: float) -> Spread:
    """The interval of one value."""
    return mover.one(_placed(found, rows, confidence), confidence=confidence, method=_METHOD)


def difference(baseline: Estimate, current: Estimate, *, rows: RowStructure, confidence: float) -> Spread:
    """The interval of the difference current - baseline."""
    parts = [rows.summed(each.influence) for each in (baseline, current)]
    squares = float(parts[0] @ parts[0]) * float(parts[1] @ parts[1])
    shared = float(parts[0] @ parts[1]) / math.sqrt(squares) if squares > 0 else 0.0
    ends = [_placed(each, rows, confidence) for each in (baseline, current)]
    return mover.difference(*ends, correlation=shared, confidence=confidence, method=f"{_METHOD}, MOVER")


def _placed(found: Estimate, rows: RowStructure, confidence: float) -> mover.LogitEstimate:
    """The value with its variance, wider by what Student's distribution is than the normal one."""
    freedom = influence_intervals.worth(rows, len(found.influence)) - 1
    tail = (1 + confidence) / 2
    wider = (student_quantile(tail, freedom) / normal_quantile(tail)) ** 2
    units = _units(found, rows)
    variance = float(leverage.widened(rows.summed(found.influence) ** 2).sum()) * wider * units / max(1, units - 1)
    return mover.LogitEstimate(found.value, variance, units)


def _units(found: Estimate, rows: RowStructure) -> int:
    """How many rows (or clusters) of the rarest kind could each move the value as far as the value can move."""
    assert found.rare is not None
    each: Array = rows.summed(np.asarray(found.rare, dtype=float))
    total = float(each.sum())
    return max(1, int(total / float(each @ each)))
