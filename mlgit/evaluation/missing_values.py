"""Rows that have a value on one side only: neither model may gain by what it does not answer.

Where a metric may leave rows out (`max_missing`), a comparison leaves out on both sides what only one of them has a value for.
A model that gives no answer in more rows than chance takes from it, and gives it where it had one, shows nothing good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.evaluation import definitions, expression_values, metric_estimates, prediction_files
from mlgit.evaluation.definitions import MetricDefinition
from mlgit.evaluation.model_results import Table
from mlgit.evaluation.row_columns import column_of, rows_of
from mlgit.model_settings import Model
from mlgit.statistics import mcnemar
from mlgit.statistics.comparison import Comparison
from mlgit.statistics.rows import is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class OneSided:
    """Of `size` rows, those that lost their value, and that have one only now; `places` are the rows to compare (None: all).

    Where a case is compared with itself, its other tries stand for those of a side that have none: `are_left_out` is False.
    """

    places: Array | None
    size: int = 0
    lost: int = 0
    found: int = 0
    are_left_out: bool = True

    @property
    def _what_of_them(self) -> str:
        return " and are left out" if self.are_left_out else ", and count there"

    def told(self, made: Comparison, *, alpha: float) -> Comparison:
        """A comparison that says which rows were left out, and shows nothing good where too many were lost."""
        if not self.lost and not self.found:
            return made
        note = f"{self.lost + self.found:,} of {self.size:,} rows have a value on one side only{self._what_of_them}"
        may_pass = self.lost <= self.found or mcnemar.midp(self.found, self.lost) / 2 >= alpha
        if not may_pass:
            note += f"; {self.lost:,} lost it and {self.found:,} got one, which is no chance and shows nothing good"
        return replace(made, note="; ".join(filter(None, (note, made.note))), may_pass=made.may_pass and may_pass)


def one_sided(found: MetricDefinition, model: Model, baseline: Table, current: Table, places: Array | None = None) -> OneSided:
    """Which rows have a value on one side only. Raises MlgitError where a side lacks more than is declared."""
    if not found.max_missing or (found.expression is None and not found.value):
        return OneSided(places)
    before, now = (_known(found, model, each, places) for each in (baseline, current))
    lost, again = (np.asarray(each.any(axis=1)) for each in (before & ~now, now & ~before))
    counts = len(lost), int(lost.sum()), int(again.sum())
    if "query" in definitions.needs(model, found):  # what is paired is the case, whichever of its tries ended
        return OneSided(places, *counts, are_left_out=False)
    kept = np.flatnonzero(~(lost | again))
    return OneSided(kept if places is None else places[kept], *counts)


def _known(found: MetricDefinition, model: Model, table: Table, places: Array | None) -> Array:
    """Which rows have each value that a metric is made of, in all files of a side; shape (n, values)."""
    views = [prediction_files.of_seed(table, number) for number in range(prediction_files.files_of(table))]
    known = [_known_in_file(found, model, each, places) for each in views]
    return np.asarray(np.logical_and.reduce(known))


def _known_in_file(found: MetricDefinition, model: Model, table: Table, places: Array | None) -> Array:
    known: Sequence[Array]
    if found.expression is None:
        column = column_of(model, table, found.value)
        known = [~is_missing(column if places is None else column[places])]
    else:
        rows, columns = metric_estimates.taken(found, table, places)
        parts = expression_values.rows_of(found.expression, columns, rows=rows, where=found.metric)
        known = [each.known for each in parts if each.part.parts] or [np.ones(rows, dtype=bool)]
    size = rows_of(table) if places is None else len(places)
    metric_estimates.check_missing(found, int((~np.logical_and.reduce(known)).sum()), size)
    return np.column_stack(known)
