"""What metrics are called, here and elsewhere."""

from __future__ import annotations

from collections.abc import Collection

from mlgit.statistics import estimators, metrics
from mlgit.statistics.measure import Measure


def measure_of(name: str, *, classes: Collection[str] = ()) -> Measure | None:
    """The built-in metric of this name; `classes` are the texts of the labels. None where there is none."""
    is_known = name in metrics.METRICS or estimators.named(name)
    return Measure(name) if is_known and name not in classes else None
