"""The value of a metric of one model, and how much each row has to do with it: all that any comparison of two is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions

if TYPE_CHECKING:
    from mlgit.statistics.resampling import Sums
    from mlgit.statistics.rows import Array

Need = Literal["label", "prediction", "score", "scores", "quantiles", "query", "costs", "value"]
Parameter = Literal["k", "at", "beta", "of_class", "bins", "level"]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A metric of one model.

    `value` is NaN where it is undefined, and `why` then says why. `influence`, shape (n,), is how far each row moves it (the
    first-order effect of counting the row once more, weights and 1/n within): they sum to 0, and their squares to about its
    variance where rows are independent. What belongs to a whole query stands at its first row, and 0 at its others.
    `sums`, one line a row, are there for a metric that is a smooth function of sums over rows (a mean, a ratio of sums): then
    draws of them tell more than influences. `seen`, shape (n, m), is what the metric sees of each row, where neither of both
    tells it: where it is the same, two models do not differ. `truth`, shape (n,), is there for what is `scale` times the share
    of all rows in which something is true. `n_counted` rows (0: all) have a part in the metric, and `counted` is what such a
    row is. `note` is what a reader must know of the value; unless `may_pass`, it can show nothing good. `least`
    and `most` are the ends of what it can be. `overshoot` is how far the value may lie above the truth in the mean, as the size
    of something does whose sign is in doubt.

    Where one row could change what it adds to a mean by so much and no more, that is `reach` (0: there is no such end): rows
    may not have shown it, few or, unless they are `graded` in between, many. `said`, one line a row, is then what the model
    says: two that say the same cannot differ in it. `parts`, shape (n,), is what each row counts in a mean over queries: all
    of it at the first row of each.

    `rare`, shape (n,), is there for a value from 0 to 1 that is no mean, such as an AUC: how far each row of the kind that is
    rarest could move it, 0 for others. Its interval is then made on the logit scale.
    """

    value: float
    influence: Array
    sums: Sums | None = None
    seen: Array | None = None
    truth: Array | None = None
    scale: float = 1.0
    n_counted: int = 0
    counted: str = "row"
    why: str = ""
    note: str = ""
    may_pass: bool = True
    overshoot: float = 0.0
    least: float = -float("inf")
    most: float = float("inf")
    reach: float = 0.0
    graded: bool = False
    said: Array | None = None
    parts: Array | None = None
    rare: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Estimator:
    """How a metric is made: `estimate(predictions, measure, positive)`.

    `needs` says which columns of predictions it reads, `takes` the parameters it may be given, of which those that `requires`
    names have no default; of `requires_one` it needs one.
    """

    name: str
    better: Literal["higher", "lower"]
    needs: tuple[Need, ...]
    estimate: Callable[[Predictions, Measure, Any], Estimate]
    takes: tuple[Parameter, ...] = ()
    requires: tuple[Parameter, ...] = ()
    requires_one: tuple[Parameter, ...] = ()

    def lacks(self, measure: Measure) -> list[Parameter]:
        """The parameters that a measure must be given and is not."""
        given = measure.given
        lacking = [each for each in self.requires if each not in given]
        return lacking + ([self.requires_one[0]] if self.requires_one and not given.keys() & set(self.requires_one) else [])
