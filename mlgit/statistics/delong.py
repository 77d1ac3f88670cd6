"""ROC AUC without resampling: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837.

The components come from midranks (Sun and Xu 2014, IEEE Signal Process. Lett. 21, 1389), so a million rows take a
second. Clustered rows: the components are summed within each cluster (Obuchowski 1997, Biometrics 53, 567).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlgit.statistics.metrics import ties

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """A metric of a score, and how far each row moves it: `influence` (n,), which sums to 0."""

    value: float
    influence: Array


def components(is_positive: Array, score: Array) -> Components:
    """The AUC and the influence of each row, from midranks; NaN where a class has no rows."""
    positive = is_positive.astype(bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return Components(float("nan"), np.full(len(score), np.nan))
    overall, placed = _midranks(score), np.empty(len(score))
    placed[positive] = (overall[positive] - _midranks(score[positive])) / zeros
    placed[~positive] = 1 - (overall[~positive] - _midranks(score[~positive])) / ones
    auc = float(placed[positive].mean())
    return Components(auc, (placed - auc) / np.where(positive, ones, zeros))


def _midranks(values: Array) -> Array:
    """Ranks from 1, those of equal values averaged; in float64, so exact for any number of rows that fits in memory."""
    order, last = ties(values)
    first = np.concatenate([[0], last[:-1] + 1])
    found = np.empty(len(values))
    found[order] = np.repeat((first + last) / 2 + 1, last - first + 1)
    return found
