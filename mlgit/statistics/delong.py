"""ROC AUC without resampling: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837.

The components come from midranks (Sun and Xu 2014, IEEE Signal Process. Lett. 21, 1389), so a million rows take a
second. Clustered rows: the components are summed within each cluster (Obuchowski 1997, Biometrics 53, 567).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics.metrics import Ties

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """A metric of a score, and how far each row moves it: `influence` (n,), which sums to 0."""

    value: float
    influence: Array


def components(is_positive: Array, tied: Ties) -> Components:
    """The AUC and the influence of each row, from midranks; NaN where a class has no rows."""
    positive = is_positive.astype(bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return Components(float("nan"), np.full(len(positive), np.nan))
    # how many rows of the other class are below one is its midrank among all less that within its class: exact halves
    order, last = tied
    passed = np.cumsum(positive[order])[last]
    here = np.diff(passed, prepend=0)
    first = np.concatenate([[0], last[:-1] + 1])
    below_ones = passed - here / 2
    below_zeros = first + (last - first + 1) / 2 - below_ones
    shares = np.where(
        positive[order], np.repeat(below_zeros / zeros, last - first + 1), np.repeat(1 - below_ones / ones, last - first + 1)
    )
    placed = np.empty(len(positive))
    placed[order] = shares
    auc = float(placed[positive].mean())
    return Components(auc, (placed - auc) / np.where(positive, ones, zeros))


def weighted_components(is_positive: Array, tied: Ties, weight: Array) -> Components:
    """The same for rows of these weights: of pairs of a positive and a negative row, weighed by the product of both weights."""
    positive = is_positive.astype(bool)
    ones, zeros = float(weight[positive].sum()), float(weight[~positive].sum())
    if not ones or not zeros:
        return Components(float("nan"), np.full(len(positive), np.nan))
    order, last = tied
    scale = weight[order]
    reached = [np.cumsum(np.where(chosen[order], scale, 0.0))[last] for chosen in (positive, ~positive)]
    below_ones, below_zeros = (each - np.diff(each, prepend=0) / 2 for each in reached)
    run = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    placed = np.empty(len(positive))
    placed[order] = np.where(positive[order], (below_zeros / zeros)[run], (1 - below_ones / ones)[run])
    auc = float((weight * placed)[positive].sum() / ones)
    return Components(auc, weight * (placed - auc) / np.where(positive, ones, zeros))
