"""Probabilities and what came of them: of the positive class, or of the most likely one of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.render.text import count
from mlgit.statistics import class_scores, metrics
from mlgit.statistics.predictions import Predictions, weights_of

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# With fewer rows of either outcome, single ones decide.
FEWEST_OUTCOMES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Confidences:
    """`outcome` (n,) is 1 where it came as said, `said` the probability of that, `weight` what each row counts.

    `nouns` are what rows of outcome 1 and 0 are called.
    """

    outcome: Array
    said: Array
    weight: Array
    nouns: tuple[str, str]

    @property
    def rarest(self) -> tuple[int, str]:
        """How many rows the rarer outcome has, and what they are called."""
        ones = int(self.outcome.sum())
        return min((ones, self.nouns[0]), (len(self.outcome) - ones, self.nouns[1]))

    @property
    def too_few(self) -> str:
        """What is to be said of too few rows of an outcome."""
        number, noun = self.rarest
        return "" if number >= FEWEST_OUTCOMES else f"{count(number, noun)}, at least {FEWEST_OUTCOMES} needed"


def of_score(given: Predictions, *, metric: str, positive: Any) -> Confidences:
    """The probability of the positive class. Raises MlgitError for scores outside 0 to 1."""
    outcome, said = metrics.ranked(given.label, given.score, positive=positive)
    outside = int(((said < 0) | (said > 1)).sum())
    if outside:
        raise MlgitError(
            f"{metric} needs probabilities, but {outside} of {len(said)} scores lie outside 0 to 1", "write probabilities"
        )
    return Confidences(outcome, said, _weights(given, len(said)), ("positive row", "negative row"))


def of_classes(given: Predictions, *, metric: str) -> Confidences:
    """The probability of the most likely class, and whether it is the row's: of equal ones the first."""
    found = class_scores.probabilities(given, metric=metric)
    likeliest = found.scores.argmax(axis=0)
    outcome = (likeliest == found.label).astype(np.int64)
    return Confidences(outcome, found.scores.max(axis=0), _weights(given, len(outcome)), ("right row", "wrong row"))


def _weights(given: Predictions, size: int) -> Array:
    found = weights_of(given)
    return np.ones(size) if found is None else found
