"""The logistic regression of outcomes on the log odds that were said: Cox 1958, Biometrika 45, 562."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.confidences import Confidences
    from mlgit.statistics.rows import Array

# Log odds of probabilities nearer to 0 and 1 than that are those of this.
NEAREST = 1e-8
_STEPS = 100
_CLOSE = 1e-9
# Models that say the same but for a constant have the same slope.
_DIGITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Coefficient:
    """A coefficient, and how far each row moves it, shape (n,); `why` says why there is none."""

    value: float
    influence: Array
    why: str = ""


def log_odds(found: Confidences) -> Array:
    """The log odds that were said, shape (n,)."""
    said = np.clip(found.said, NEAREST, 1 - NEAREST)
    return np.asarray(np.log(said) - np.log1p(-said))


def slope(found: Confidences) -> Coefficient:
    """By how much the log odds of the outcome rise as those that were said rise by 1."""
    x = log_odds(found)
    if why := _undefined(found, x):
        return Coefficient(float("nan"), np.zeros(len(x)), why)
    middle = float(found.weight @ x / found.weight.sum())
    return _fitted(found, np.stack([x - middle, np.ones(len(x))]), np.zeros(len(x)))


def intercept(found: Confidences) -> Coefficient:
    """By how much the log odds of the outcome lie above those that were said, all alike."""
    ones = int(found.outcome.sum())
    if not 0 < ones < len(found.outcome):
        return Coefficient(float("nan"), np.zeros(len(found.outcome)), _one_outcome(found))
    return _fitted(found, np.ones((1, len(found.outcome))), log_odds(found))


def _undefined(found: Confidences, x: Array) -> str:
    """Why there is no slope: the likelihood rises without end where no outcome overlaps the other."""
    ones, zeros = x[found.outcome == 1], x[found.outcome == 0]
    if not len(ones) or not len(zeros):
        return _one_outcome(found)
    if x.min() == x.max():
        return "the same probability is said of every row"
    if zeros.max() <= ones.min() or ones.max() <= zeros.min():
        return f"probabilities separate {found.nouns[0]}s from {found.nouns[1]}s: the slope has no end"
    return ""


def _one_outcome(found: Confidences) -> str:
    return f"there is no {found.nouns[1] if found.outcome.any() else found.nouns[0]}"


def _fitted(found: Confidences, columns: Array, offset: Array) -> Coefficient:
    """The first coefficient by Newton's method with halved steps; its influences are those of the sandwich estimator."""
    scale = found.weight / found.weight.sum()
    beta = np.zeros(len(columns))
    told = _likelihood(found, scale, offset)
    for _ in range(_STEPS):
        chance = _chance(offset + beta @ columns)
        pull = scale * (found.outcome - chance)
        curve = (columns * (scale * chance * (1 - chance))) @ columns.T
        try:
            step = np.linalg.solve(curve, columns @ pull)
        except np.linalg.LinAlgError:
            break
        if np.abs(step).max() <= _CLOSE * max(1.0, float(np.abs(beta).max())):
            beta = beta + step
            return Coefficient(round(float(beta[0]), _DIGITS), np.linalg.solve(curve, columns * pull)[0])
        for half in range(_STEPS):
            following = beta + step / 2**half
            reached = _likelihood(found, scale, offset + following @ columns)
            if reached >= told - 1e-15 * abs(told):
                break
        beta, told = following, reached
    return Coefficient(float("nan"), np.zeros(len(offset)), "the regression on what was said does not come to an end")


def _likelihood(found: Confidences, scale: Array, odds: Array) -> float:
    return float(scale @ (found.outcome * odds - np.logaddexp(0.0, odds)))


def _chance(odds: Array) -> Array:
    away = np.exp(-np.abs(odds))
    return np.asarray(np.where(odds >= 0, 1.0, away) / (1 + away))
