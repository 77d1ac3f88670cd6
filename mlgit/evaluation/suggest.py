"""Which margins a test set can support: below them a gate would be inconclusive more often than not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit.rules import GateRule
from mlgit.statistics import power

if TYPE_CHECKING:
    from mlgit.statistics.comparison import Comparison

# The chance to prove that an unchanged model is no worse: the usual demand on a test.
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Suggestion:
    """For one metric: rows, rows that tell the models apart, and the smallest margin that can be proven 4 times in 5.

    `n_counted` of the rows have a part in the metric, and `counted` says what such a row is (a positive row for recall; a
    cluster where rows hang together): all numbers of rows here count those, as `mlgit gate` does.
    `margin` is that, rounded up to two digits, to write into a rule. `rows_for_half` rows would support half of it.
    `too_narrow` are the rules that ask for less, each with the rows it needs. Without an interval only `reason` is set.
    Where recipes are compared by several seeds or folds, more rows alone do not help as far, so that no number of them is given
    (None), and `note` says why.
    """

    metric: str
    n: int
    n_discordant: int
    smallest: float | None = None
    margin: float | None = None
    rows_for_half: int | None = None
    too_narrow: tuple[tuple[str, int | None], ...] = ()
    reason: str = ""
    n_counted: int = 0
    counted: str = "row"
    note: str = ""


def suggest(found: Comparison, *, rules: Iterable[GateRule] = ()) -> Suggestion:
    """What two sets of predictions on these rows say about the margins of a metric."""
    units, noun = found.units, "cluster" if found.clusters else found.counted
    if found.low is None or found.high is None or found.baseline is None or not found.high > found.low:
        reason = found.reason or "the two models differ in no row, which says nothing about how models differ on these rows"
        return Suggestion(found.metric, found.n, found.n_discordant, reason=reason, n_counted=units, counted=noun)
    variance = power.variance_of_row(found.low, found.high, units, confidence=found.confidence_level)
    alpha = (1 - found.confidence_level) / 2
    smallest = power.smallest_difference(units, variance=variance, alpha=alpha, power=POWER)
    if not math.isfinite(smallest) or smallest <= 0:
        reason = "the interval of the difference is too wide to tell what these rows can show"
        return Suggestion(found.metric, found.n, found.n_discordant, reason=reason, n_counted=units, counted=noun)
    margin = _rounded_up(smallest)
    note = f"{found.about}; seeds decide as rows do, and more rows alone do not help as far" if found.is_of_recipes else ""
    if found.is_of_recipes and found.counted == "fold":
        note = f"{found.about}; each further fold shares most of its training rows with the others, and tells less"

    def needed(difference: float) -> int | None:
        if found.is_of_recipes:
            return None
        return max(1, power.rows_needed(difference, variance=variance, alpha=alpha, power=POWER))

    narrow = [
        (each.id, None if (rows := needed(asked)) is None else max(units + 1, rows))
        for each in rules
        if each.metric == found.metric
        and each.kind in ("no_worse", "same")
        and each.margin
        and 0 < (asked := each.margin.of(found.baseline)) < smallest
    ]
    return Suggestion(
        found.metric,
        found.n,
        found.n_discordant,
        smallest,
        margin,
        needed(margin / 2),
        tuple(narrow),
        n_counted=units,
        counted=noun,
        note=note,
    )


def _rounded_up(value: float) -> float:
    """With two digits, never below the value."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    digits = max(0, -math.floor(math.log10(value)) + 1)
    return round(math.ceil(value / step - 1e-9) * step, digits)
