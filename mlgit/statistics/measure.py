"""A built-in metric with what it needs to be told: recall among the first k, the loss of a quantile, the F-score of a class."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Measure:
    """A built-in metric and its parameters, as `metrics:` of mlgit.yaml declares them; None where one is not given.

    `k` is how many of the first rows (of a query) or classes count, `at` a share or a level that is kept (precision, share of
    the rows), `beta` the weight of recall in an F-score, `of_class` the class that is looked at, `bins` the number of bins of
    a calibration error, `level` that of a quantile or an interval.
    """

    name: str
    k: int | None = None
    at: float | None = None
    beta: float | None = None
    of_class: str | float | bool | None = None
    bins: int | None = None
    level: float | None = None

    @property
    def given(self) -> dict[str, object]:
        """The parameters that are given, by name."""
        found = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}
        return {name: value for name, value in found.items() if value is not None}
