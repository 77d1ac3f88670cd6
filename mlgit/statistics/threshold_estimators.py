"""Metrics of the threshold that a condition chooses: recall at a precision, precision and specificity at a recall.

Values are those of scikit-learn's precision_recall_curve: the best over thresholds that meet the condition. The threshold is
where a sum over rows comes to 0, of label - at over those above it for a precision: how far a row moves the threshold is what
it adds to that sum, by how fast the sum changes there. That is told by the rows between the thresholds where the sum is 1.6
standard errors above and below 0, between which chance could move it (for quantiles: Woodruff 1952, J. Am. Stat. Assoc. 47,
635).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.render.text import count
from mlgit.statistics import averages
from mlgit.statistics.estimate import Estimate, Estimator, Need
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.ranked_rows import FEWEST_POSITIVES, RankedRows, of_score

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# How many standard errors to both sides.
_PLACE = 1.645


@dataclass(frozen=True, slots=True, eq=False)
class _Threshold:
    """A threshold at the end of run `chosen`: how far each row moves the positive and all weight above it, shape (n,) each."""

    chosen: int
    found_moved: Array
    shown_moved: Array
    note: str = ""


def _recall_at_precision(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    ranked = of_score(given, positive)
    at = _level(measure)
    if not ranked.positives:
        return averages.unknown(ranked.size, "no row is positive")
    meets = np.flatnonzero(ranked.precision >= at)
    if not len(meets):
        note, counted = f"no threshold has a precision of {at:g} or more", ranked.weight * ranked.is_positive
        return _estimate(ranked, 0.0, np.zeros(ranked.size), note, counted=counted)
    there = _of_precision(ranked, at, int(meets[-1]))
    whole = float(ranked.found[-1])
    value = float(ranked.found[there.chosen]) / whole
    influence = (there.found_moved - value * ranked.weight * ranked.is_positive) / whole
    return _estimate(ranked, value, influence, there.note, counted=ranked.weight * ranked.is_positive)


def _of_precision(ranked: RankedRows, at: float, chosen: int) -> _Threshold:
    """The lowest threshold with this precision."""
    above = ranked.weight * (ranked.run <= chosen)
    pull = above * (ranked.is_positive - at)
    sums = ranked.found - at * ranked.shown
    if chosen == len(sums) - 1:
        note = _doubt("all rows together have", at) if sums[-1] < _PLACE * float(np.sqrt(pull @ pull)) else ""
        return _Threshold(chosen, above * ranked.is_positive, above, note)
    squares = (ranked.weight * (ranked.is_positive - at)) ** 2
    reach = _PLACE * np.sqrt(np.cumsum(np.bincount(ranked.run, weights=squares)))
    low, high = (np.flatnonzero(sums >= side * reach) for side in (1, -1))
    note = _doubt("any threshold has", at) if not len(low) or at == 1 else ""
    note = note or (_doubt("all rows together have", at) if high[-1] == len(sums) - 1 else "")
    return _moved(ranked, chosen, pull, sums, (int(low[-1]) if len(low) else -1, int(high[-1])), note)


def _precision_at_recall(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    ranked = of_score(given, positive)
    at = _level(measure)
    if not ranked.positives:
        return averages.unknown(ranked.size, "no row is positive")
    there = _of_recall(ranked, at, best=True)
    shown = float(ranked.shown[there.chosen])
    value = float(ranked.found[there.chosen]) / shown
    influence = (there.found_moved - value * there.shown_moved) / shown
    return _estimate(ranked, value, influence, there.note, counted=ranked.weight * (ranked.run <= there.chosen))


def _specificity_at_recall(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    ranked = of_score(given, positive)
    at, negatives = _level(measure), ranked.size - ranked.positives
    if not ranked.positives or not negatives:
        return averages.unknown(ranked.size, f"no row is {'negative' if ranked.positives else 'positive'}")
    there = _of_recall(ranked, at, best=False)
    whole = float(ranked.shown[-1] - ranked.found[-1])
    value = 1 - float(ranked.shown[there.chosen] - ranked.found[there.chosen]) / whole
    wrong = there.shown_moved - there.found_moved - (1 - value) * ranked.weight * (1 - ranked.is_positive)
    return _estimate(ranked, value, -wrong / whole, there.note, counted=ranked.weight * (1 - ranked.is_positive))


def _of_recall(ranked: RankedRows, at: float, *, best: bool) -> _Threshold:
    """The highest threshold with this recall, or the one of those with it or more that has the best precision."""
    recall = ranked.found / ranked.found[-1]
    first = int(np.flatnonzero(recall >= at)[0])
    chosen = first + int(np.argmax(ranked.precision[first:])) if best else first
    own = ranked.weight * ranked.is_positive
    pull = own * ((ranked.run <= first) - at)
    sums = ranked.found - at * ranked.found[-1]
    reach = _PLACE * float(np.sqrt(at * (1 - at) * (own @ own)))
    low, high = (np.flatnonzero(sums >= side * reach) for side in (-1, 1))
    note = "" if at < 1 and len(high) and sums[0] < -reach else _doubt("what threshold has", at, of="recall")
    end = int(high[0]) if len(high) else len(sums) - 1
    if chosen > end:  # the condition has no part in the choice
        above = ranked.weight * (ranked.run <= chosen)
        return _Threshold(chosen, above * ranked.is_positive, above, note)
    return _moved(ranked, chosen, pull, sums, (int(low[0]), end), note)


def _moved(ranked: RankedRows, chosen: int, pull: Array, sums: Array, ends: tuple[int, int], note: str) -> _Threshold:
    """What each row moves: by itself, and by the threshold, which gives back what the row adds to the sum (`pull`)."""
    fallen, found, shown = (
        float(each[ends[1]] - (each[ends[0]] if ends[0] >= 0 else 0.0)) for each in (sums, ranked.found, ranked.shown)
    )
    above = ranked.weight * (ranked.run <= chosen)
    given_back = pull / fallen if fallen else np.zeros(ranked.size)
    return _Threshold(chosen, above * ranked.is_positive - found * given_back, above - shown * given_back, note)


def _doubt(what: str, at: float, *, of: str = "precision") -> str:
    return f"too few rows to tell whether {what} a {of} of {at:g}".replace("whether what", "what")


def _level(measure: Measure) -> float:
    at = measure.at
    if at is None or not 0 < at <= 1:
        told = "needs at, the level to hold" if at is None else f"at is {at:g}"
        raise MlgitError(f"{measure.name}: {told}", "write a level above 0, up to 1, such as at: 0.9")
    return at


def _estimate(ranked: RankedRows, value: float, influence: Array, note: str, *, counted: Array) -> Estimate:
    """The estimate of a share of the rows that are counted, by these weights."""
    if ranked.positives < FEWEST_POSITIVES:
        note = f"{count(ranked.positives, 'positive row')}, at least {FEWEST_POSITIVES} needed"
    return Estimate(
        value,
        influence - influence.mean(),
        seen=ranked.run[:, None],
        n_counted=ranked.positives,
        counted="positive row",
        note=note,
        may_pass=not note,
        least=0.0,
        most=1.0,
        reach=ranked.reach(counted),
        said=ranked.run,
    )


_NEEDS: tuple[Need, ...] = ("label", "score")
ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("recall_at_precision", "higher", _NEEDS, _recall_at_precision, ("at",), ("at",)),
    Estimator("precision_at_recall", "higher", _NEEDS, _precision_at_recall, ("at",), ("at",)),
    Estimator("specificity_at_recall", "higher", _NEEDS, _specificity_at_recall, ("at",), ("at",)),
)
