"""How much each row has to do with the value of a metric: its influence, for methods that need rows one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics import features, ranking, student
from mlgit.statistics.metrics import Metric

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


def of(chosen: Metric, label: Any, values: Any, *, positive: Any = None) -> Array:
    """The influence of each row on a metric of one model, shape (n,): they sum to 0, their squares to about its variance."""
    if chosen.kind == "ranking":
        return ranking.components(chosen, label, values, positive=positive)[1].influence
    return student.influences(features.one(chosen, label, values, positive=positive, groups=np.arange(len(label))))
