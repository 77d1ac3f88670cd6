"""How far probabilities can be taken at their word: calibration error, slope and intercept.

With `scores` of many classes it is the probability of the most likely class that is judged, by how often that class is right.

A calibration error and the distance of a slope from 1 are distances from 0, and come out too large, the more so the fewer rows
there are: perfect probabilities have an error above 0 on any rows. By how much at most is their `overshoot`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import averages, calibration_lines, confidences, folded
from mlgit.statistics.calibration_lines import Coefficient
from mlgit.statistics.confidences import Confidences
from mlgit.statistics.estimate import Estimate, Estimator, Parameter
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions

_BINS = 10
# The part of an error that is told to be chance.
_WORTH_TELLING = 0.25


def _ece(found: Confidences, measure: Measure) -> Estimate:
    """The mean over rows of how far the share of outcomes in a bin is from the mean probability in it."""
    bins = _BINS if measure.bins is None else measure.bins
    if bins < 1:
        raise MlgitError(f"ece: bins is {bins}", "write a number of bins, 1 or more")
    # a bin holds its upper end, as in scikit-learn's calibration_curve
    place = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], found.said)
    scale = found.weight / found.weight.sum()
    away = scale * (found.outcome - found.said)
    gaps = np.bincount(place, weights=away, minlength=bins)
    value = float(np.abs(gaps).sum())
    perfect = np.bincount(place, weights=scale**2 * found.said * (1 - found.said), minlength=bins)
    shares = np.bincount(place, weights=scale, minlength=bins)
    means = np.divide(gaps, shares, out=np.zeros(bins), where=shares > 0)
    seen = np.bincount(place, weights=(away - scale * means[place]) ** 2, minlength=bins)
    spreads = np.sqrt(np.maximum(perfect, seen))
    chance = folded.MEAN * float(np.sqrt(perfect).sum())
    note = (
        f"of perfect probabilities about {chance:.2g} would be seen in so few rows" if chance > _WORTH_TELLING * value else ""
    )
    return Estimate(
        value,
        np.sign(gaps)[place] * away - value * scale,
        seen=np.column_stack([found.outcome, found.said]),
        note=note,
        overshoot=sum(map(folded.overshoot, gaps.tolist(), spreads.tolist())),
        least=0.0,
        most=1.0,
        reach=1.0,
        said=found.said,
    )


def _slope(found: Confidences, _: Measure) -> Estimate:
    """Below 1 where probabilities are too near to 0 and 1, above where they are not near enough."""
    return _of_line(found, calibration_lines.slope(found))


def _slope_error(found: Confidences, _: Measure) -> Estimate:
    line = calibration_lines.slope(found)
    side = math.copysign(1.0, line.value - 1)
    spread = float(np.sqrt(line.influence @ line.influence))
    made = _of_line(found, replace(line, value=abs(line.value - 1), influence=side * line.influence))
    return replace(made, overshoot=folded.overshoot(line.value - 1, spread), least=0.0)


def _intercept(found: Confidences, _: Measure) -> Estimate:
    """Above 0 where outcomes come more often than was said, below where less often."""
    return _of_line(found, calibration_lines.intercept(found))


def _of_line(found: Confidences, line: Coefficient) -> Estimate:
    if line.why:
        return averages.unknown(len(found.outcome), line.why)
    sure = int(((found.said < calibration_lines.NEAREST) | (found.said > 1 - calibration_lines.NEAREST)).sum())
    told = f"{sure:,} of {len(found.said):,} rows say 0 or 1, taken as {calibration_lines.NEAREST:g} off" if sure else ""
    number, noun = found.rarest
    return Estimate(
        line.value,
        line.influence,
        n_counted=number,
        counted=noun,
        note="; ".join(filter(None, (found.too_few, told))),
        may_pass=not found.too_few,
    )


def _of_score(
    given: Predictions, measure: Measure, positive: Any, *, made: Callable[[Confidences, Measure], Estimate]
) -> Estimate:
    return made(confidences.of_score(given, metric=measure.name, positive=positive), measure)


def _of_classes(given: Predictions, measure: Measure, _: Any, *, made: Callable[[Confidences, Measure], Estimate]) -> Estimate:
    return made(confidences.of_classes(given, metric=measure.name), measure)


def _both(
    name: str,
    better: Literal["higher", "lower"],
    made: Callable[[Confidences, Measure], Estimate],
    takes: tuple[Parameter, ...] = (),
) -> tuple[Estimator, Estimator]:
    """Of the scores of many classes, and of the score of one."""
    return (
        Estimator(name, better, ("label", "scores"), functools.partial(_of_classes, made=made), takes),
        Estimator(name, better, ("label", "score"), functools.partial(_of_score, made=made), takes),
    )


# Of slope and intercept neither more nor less is better: they are best at 1 and at 0.
ESTIMATORS: tuple[Estimator, ...] = (
    *_both("ece", "lower", _ece, ("bins",)),
    *_both("calibration_slope", "higher", _slope),
    *_both("calibration_slope_error", "lower", _slope_error),
    *_both("calibration_intercept", "higher", _intercept),
)
