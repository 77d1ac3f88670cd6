"""Metrics of one score that look at its highest rows: precision and recall at k, lift.

Which rows are highest hangs on all others: a row more above the edge pushes one out. What that one is like is told by the share
of positives among the rows around the edge. Of rows of equal score at the edge each has the same chance to be among the first:
values are those that are expected over all orders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.render.text import count
from mlgit.statistics import averages, threshold_estimators
from mlgit.statistics.estimate import Estimate, Estimator, Need
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.ranked_rows import FEWEST_POSITIVES, RankedRows, of_score

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# With fewer among the first rows, single ones decide.
FEWEST_FIRST = 20
# So many rows of equal score tell by themselves what is at the edge.
_ENOUGH_TIED = 30


@dataclass(frozen=True, slots=True, eq=False)
class _First:
    """The first rows of a ranking: `found` of the positive weight and `shown` of all weight, and how far one row more moves
    either, shape (n,) each; `number` of rows, and what part of each row is among them, `inside` (n,)."""

    ranked: RankedRows
    found: float
    shown: float
    found_moved: Array
    shown_moved: Array
    number: int
    inside: Array

    @property
    def positive_moved(self) -> Array:
        """How far each row moves the weight of all positives."""
        return self.ranked.weight * self.ranked.is_positive

    @property
    def reach(self) -> float:
        """How far one row moves the share of positives."""
        return self.ranked.reach(self.ranked.weight * self.inside)


def _precision_at_k(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    ranked = of_score(given, positive)
    first = _first(ranked, measure)
    if isinstance(first, str):
        return averages.unknown(ranked.size, first)
    value = first.found / first.shown
    influence = (first.found_moved - value * first.shown_moved) / first.shown
    return _estimate(value, influence, first, counted=(first.number, "top row"), most=1.0, reach=first.reach)


def _recall_at_k(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    ranked = of_score(given, positive)
    first = _first(ranked, measure)
    if isinstance(first, str):
        return averages.unknown(ranked.size, first)
    whole = float(ranked.found[-1])
    value = first.found / whole
    influence = (first.found_moved - value * first.positive_moved) / whole
    reach = ranked.reach(first.positive_moved)
    return _estimate(value, influence, first, counted=(ranked.positives, "positive row"), most=1.0, reach=reach)


def _lift(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    """Precision among the first, over the share of positives in all rows."""
    ranked = of_score(given, positive)
    first = _first(ranked, measure)
    if isinstance(first, str):
        return averages.unknown(ranked.size, first)
    positives, total = float(ranked.found[-1]), float(ranked.shown[-1])
    value = first.found / first.shown * total / positives
    moved = first.found_moved / first.shown * total / positives
    influence = moved + value * (ranked.weight / total - first.shown_moved / first.shown - first.positive_moved / positives)
    reach = first.reach * total / positives
    return _estimate(value, influence, first, counted=(first.number, "top row"), most=total / first.shown, reach=reach)


def _estimate(
    value: float, influence: Array, first: _First, *, counted: tuple[int, str], most: float, reach: float
) -> Estimate:
    few = []
    if first.ranked.positives < FEWEST_POSITIVES:
        few.append(f"{count(first.ranked.positives, 'positive row')}, at least {FEWEST_POSITIVES} needed")
    if first.number < FEWEST_FIRST:
        few.append(f"{count(first.number, 'top row')}, at least {FEWEST_FIRST} needed")
    return Estimate(
        value,
        influence,
        seen=first.inside[:, None],
        n_counted=counted[0],
        counted=counted[1],
        note="; ".join(few),
        may_pass=not few,
        least=0.0,
        most=most,
        reach=reach,
        said=first.ranked.run,
    )


def _first(ranked: RankedRows, measure: Measure) -> _First | str:
    """The rows that count, or why there are none."""
    name, k, share = measure.name, measure.k, measure.at
    if (k is None) == (share is None):
        raise MlgitError(f"{name} needs either k, a number of rows, or at, a share of the rows", "write k: 100 or at: 0.1")
    if k is not None and k < 1:
        raise MlgitError(f"{name}: k is {k}", "write a number of rows, 1 or more")
    if share is not None and not 0 < share < 1:
        raise MlgitError(f"{name}: at is {share:g}", "write a share of the rows between 0 and 1, such as 0.1")
    if not ranked.positives:
        return "no row is positive"
    if k is not None and k > ranked.size:
        return f"k is {k:,}, and there are {count(ranked.size, 'row')}"
    return _of_size(ranked, float(k), by_weight=False) if k else _of_size(ranked, float(share or 0), by_weight=True)


def _of_size(ranked: RankedRows, size: float, *, by_weight: bool) -> _First:
    """The first rows, up to so many, or up to a share of the weight.

    The size is reached within a run of equal scores, of which a fraction is among the first.
    """
    reached = ranked.shown if by_weight else ranked.number.astype(float)
    each = ranked.weight if by_weight else np.ones(ranked.size)
    share = size if by_weight else size / reached[-1]
    size = share * float(reached[-1])
    edge = min(int(np.searchsorted(reached, size * (1 - 1e-12))), len(reached) - 1)
    before = float(reached[edge - 1]) if edge else 0.0
    fraction = (size - before) / float(reached[edge] - before)
    inside = np.concatenate([np.ones(edge), [fraction], np.zeros(len(reached) - edge - 1)])[ranked.run]
    found, shown = (_at(reached, sums, size) for sums in (ranked.found, ranked.shown))
    width = _width(ranked, edge, size, before, reached)
    steps = [
        (_at(reached, sums, size + width) - _at(reached, sums, size - width)) / (2 * width)
        for sums in (ranked.found, ranked.shown)
    ]
    # one row more moves the edge by what it adds to the share of all, less what it takes of the room above
    pushed = each * (share - inside)
    return _First(
        ranked,
        found,
        shown,
        ranked.weight * ranked.is_positive * inside + steps[0] * pushed,
        ranked.weight * inside + steps[1] * pushed,
        round(_at(reached, ranked.number.astype(float), size)),
        inside,
    )


def _at(reached: Array, sums: Array, size: float) -> float:
    """A sum over the first rows of this size; within a run of equal scores, evenly."""
    return float(np.interp(size, np.concatenate([[0.0], reached]), np.concatenate([[0.0], sums])))


def _width(ranked: RankedRows, edge: int, size: float, before: float, reached: Array) -> float:
    """How far to both sides rows tell what is at the edge: within many of equal score as far as these go, else half of the way
    to the nearer end, and no farther than n ** (2/3) / 2 rows."""
    total, after = float(reached[-1]), float(reached[edge])
    tied = int(ranked.number[edge]) - (int(ranked.number[edge - 1]) if edge else 0)
    within = min(size - before, after - size)
    a_row = total / float(ranked.size)
    if tied >= _ENOUGH_TIED and within > a_row / 2:
        return within
    farthest = 0.5 * a_row * math.pow(ranked.size, 2 / 3)
    return max(min(size / 2, (total - size) / 2, farthest), min(size, a_row))


_NEEDS: tuple[Need, ...] = ("label", "score")
ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("precision_at_k", "higher", _NEEDS, _precision_at_k, ("k", "at"), requires_one=("k", "at")),
    Estimator("recall_at_k", "higher", _NEEDS, _recall_at_k, ("k", "at"), requires_one=("k", "at")),
    Estimator("lift", "higher", _NEEDS, _lift, ("k", "at"), requires_one=("k", "at")),
    *threshold_estimators.ESTIMATORS,
)
