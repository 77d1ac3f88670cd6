"""What one model says about rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlgit.errors import MlgitError
from mlgit.statistics import rows

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Columns of equal length, in the order of the other model's rows; None where there is no such column.

    `scores` are the columns of probabilities by class, `quantiles` those of predicted quantiles by level, `query` names the
    ranking (or the case) that each row belongs to, `weight` what a row counts, `value` is any other column that a metric is
    made of. `costs` is what a prediction costs: label -> prediction -> cost, where none is named 0.
    """

    label: Any
    prediction: Any = None
    score: Any = None
    scores: Mapping[Any, Any] = field(default_factory=dict)
    quantiles: Mapping[float, Any] = field(default_factory=dict)
    query: Any = None
    weight: Any = None
    value: Any = None
    costs: Mapping[Any, Mapping[Any, float]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many rows there are."""
        columns = (self.label, self.prediction, self.score, self.query, self.value, *self.scores.values())
        return next((len(each) for each in (*columns, *self.quantiles.values()) if each is not None), 0)


def weights_of(given: Predictions) -> Array | None:
    """The weights of rows, shape (n,); None where all rows count alike. Raises MlgitError unless each is finite and above 0."""
    if given.weight is None:
        return None
    found = rows.numbers(given.weight, what="weight")
    wrong = int((found <= 0).sum())
    if wrong:
        raise MlgitError(f"weight: {wrong} of {len(found)} values are not above 0", "leave out rows that do not count")
    return found
