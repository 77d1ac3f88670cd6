"""When a search has found enough: `--until 'roc_auc>=0.9'`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlgit.errors import MlgitError
from mlgit.experiments.flat_names import meant

_EXAMPLE = "for example `--until 'roc_auc>=0.9'`, or several: `--until 'roc_auc>=0.9 and log_loss<0.2'`"
_LONGEST = 1_000
_BOUND = re.compile(r"(?P<metric>[^<>=!]+?)\s*(?P<sign>>=|<=|>|<)\s*(?P<value>[^<>=!\s]+)")


@dataclass(frozen=True, slots=True)
class MetricBound:
    """A metric and the bound that it has to reach."""

    metric: str
    sign: str
    value: float

    def holds(self, metrics: Mapping[str, Any]) -> bool:
        """Whether the metrics of a trial reach it; not where it has no such metric, or one that is no number."""
        found = meant(metrics, self.metric)
        if not isinstance(found, int | float) or isinstance(found, bool) or math.isnan(found):
            return False
        return {">=": found >= self.value, "<=": found <= self.value, ">": found > self.value, "<": found < self.value}[
            self.sign
        ]


@dataclass(frozen=True, slots=True)
class Until:
    """Bounds that one trial has to reach, all of them."""

    text: str
    bounds: tuple[MetricBound, ...]

    def holds(self, metrics: Mapping[str, Any]) -> bool:
        """Whether a trial with these metrics (`KEY` -> value) is good enough."""
        return all(each.holds(metrics) for each in self.bounds)


def parse(text: str) -> Until:
    """What stands behind `--until`. Raises MlgitError for what is no bound of a metric."""
    if len(text) > _LONGEST:
        raise MlgitError(f"--until: {len(text):,} characters, at most {_LONGEST:,} are read", _EXAMPLE)
    return Until(text.strip(), tuple(_bound(each) for each in re.split(r"\s+and\s+", text.strip())))


def _bound(text: str) -> MetricBound:
    match = _BOUND.fullmatch(text.strip())
    if match is None:
        raise MlgitError(f"--until: '{text[:60]}' is no METRIC>=VALUE", f"signs are >= <= > <; {_EXAMPLE}")
    try:
        value = float(match["value"])
    except ValueError as error:
        raise MlgitError(f"--until: '{match['value'][:60]}' is no number", _EXAMPLE) from error
    if not math.isfinite(value):
        raise MlgitError(f"--until: {match['metric']} can never be held against {match['value']}", _EXAMPLE)
    return MetricBound(match["metric"], match["sign"], value)
