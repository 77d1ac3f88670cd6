"""Losses of predicted quantiles, and how often, how widely and how well the intervals between two of them hold the label.

The interval of a level lies between the quantiles at (1 - level) / 2 and 1 - that: at 0.8 between 0.1 and 0.9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import averages, folded, rows
from mlgit.statistics.estimate import Estimate, Estimator
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions, weights_of

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Levels that are as near as this are one: 1 - 0.9 is not 0.1.
_SAME_LEVEL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class _Interval:
    """Labels and both ends of a predicted interval, and the level it is meant to hold."""

    truth: Array
    low: Array
    high: Array
    level: float
    weight: Array | None
    note: str


@averages.unwarned
def _quantile_loss(given: Predictions, measure: Measure, _: Any) -> Estimate:
    level = _level(measure)
    return averages.mean(_pinball(_truth(given), _at(given, measure, level), level), weight=_weight(given), least=0.0)


@averages.unwarned
def _quantile_loss_mean(given: Predictions, _: Measure, __: Any) -> Estimate:
    """The plain mean over all declared levels, of which twice is the weighted interval score where levels come in pairs around
    0.5, and nearly the CRPS where they are evenly spaced."""
    levels, truth = sorted(given.quantiles), _truth(given)
    if not levels:
        raise MlgitError(
            "quantile_loss_mean: no quantile is declared", "name their columns: quantiles: {0.1: COLUMN, 0.9: COLUMN}"
        )
    columns = [_column(given, each) for each in levels]
    terms = sum(_pinball(truth, column, level) for column, level in zip(columns, levels, strict=True)) / len(levels)
    falls = [later < earlier for earlier, later in pairwise(columns)]
    is_crossed = np.logical_or.reduce(falls) if falls else np.zeros(len(truth), dtype=bool)
    return averages.mean(np.asarray(terms), weight=_weight(given), note=_crossed(is_crossed), least=0.0)


@averages.unwarned
def _coverage(given: Predictions, measure: Measure, _: Any) -> Estimate:
    """The share of labels within, or at, the ends."""
    found = _interval(given, measure)
    is_within = (found.low <= found.truth) & (found.truth <= found.high)
    made = averages.mean(is_within.astype(float), weight=found.weight, note=found.note, least=0.0, most=1.0)
    return averages.bounded(made, said=np.column_stack([found.low, found.high]))


@averages.unwarned
def _coverage_error(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    """How far the coverage is from the level, on either side."""
    found, level = _coverage(given, measure, positive), _level(measure)
    away, seen = found.value - level, found.sums.features[:, :1] if found.sums else None
    influence, spread = math.copysign(1.0, away) * found.influence, math.sqrt(float(found.influence @ found.influence))
    made = replace(found, value=abs(away), influence=influence, sums=None, seen=seen, most=max(level, 1 - level))
    return replace(made, overshoot=folded.overshoot(away, spread))


@averages.unwarned
def _interval_width(given: Predictions, measure: Measure, _: Any) -> Estimate:
    """The mean distance of both ends; one that is wrong about which is which gains nothing."""
    found = _interval(given, measure)
    return averages.mean(np.abs(found.high - found.low), weight=found.weight, note=found.note, least=0.0)


@averages.unwarned
def _interval_score(given: Predictions, measure: Measure, _: Any) -> Estimate:
    """Winkler 1972: the width, and for a label outside its distance times 2 / (1 - level)."""
    found = _interval(given, measure)
    outside = np.maximum(found.low - found.truth, 0.0) + np.maximum(found.truth - found.high, 0.0)
    terms = found.high - found.low + 2 / (1 - found.level) * outside
    return averages.mean(terms, weight=found.weight, note=found.note, least=0.0)


def _pinball(truth: Array, said: Array, level: float) -> Array:
    away = truth - said
    return np.maximum(level * away, (level - 1) * away)


def _interval(given: Predictions, measure: Measure) -> _Interval:
    level = _level(measure)
    low, high = (_at(given, measure, each) for each in ((1 - level) / 2, (1 + level) / 2))
    return _Interval(_truth(given), low, high, level, _weight(given), _crossed(high < low))


def _level(measure: Measure) -> float:
    if measure.level is None or not 0 < measure.level < 1:
        told = "no level is declared" if measure.level is None else f"level is {measure.level:g}, which is not between 0 and 1"
        raise MlgitError(f"{measure.name}: {told}", "declare level: 0.9, for instance")
    return measure.level


def _at(given: Predictions, measure: Measure, level: float) -> Array:
    """The column of a quantile. Raises MlgitError where there is none of this level."""
    found = [each for each in given.quantiles if abs(each - level) < _SAME_LEVEL]
    if not found:
        known = ", ".join(f"{each:g}" for each in sorted(given.quantiles))
        told = f"{measure.name} at level {measure.level:g} needs the quantile at {level:g}"
        raise MlgitError(
            f"{told}, and there are those at {known or 'no level'}", f"name its column: quantiles: {{{level:g}: COLUMN}}"
        )
    return _column(given, found[0])


def _column(given: Predictions, level: float) -> Array:
    found = rows.numbers(given.quantiles[level], what=f"quantile {level:g}")
    rows.same_length(_truth(given), found)
    return found


def _truth(given: Predictions) -> Array:
    return rows.numbers(given.label, what="label")


def _weight(given: Predictions) -> Array | None:
    weight = weights_of(given)
    if weight is not None:
        rows.same_length(_truth(given), weight)
    return weight


def _crossed(is_crossed: Array) -> str:
    number = int(is_crossed.sum())
    return f"quantiles cross in {number:,} of {len(is_crossed):,} rows: a higher level has the lower value" if number else ""


ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("quantile_loss", "lower", ("label", "quantiles"), _quantile_loss, ("level",), requires=("level",)),
    Estimator("quantile_loss_mean", "lower", ("label", "quantiles"), _quantile_loss_mean),
    Estimator("coverage", "higher", ("label", "quantiles"), _coverage, ("level",), requires=("level",)),
    Estimator("coverage_error", "lower", ("label", "quantiles"), _coverage_error, ("level",), requires=("level",)),
    Estimator("interval_width", "lower", ("label", "quantiles"), _interval_width, ("level",), requires=("level",)),
    Estimator("interval_score", "lower", ("label", "quantiles"), _interval_score, ("level",), requires=("level",)),
)
