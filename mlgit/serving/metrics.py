"""What Prometheus is told. Every worker counts in files of its own, which the supervisor adds up (multiprocess mode)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving.exchange import Exchange
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.rows import Violation
from mlgit.serving.status import ServingStatus

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_MOST_CLASSES = 100
OTHER = "other"


class ServingMetrics:
    """The counters of one worker. Labels hold what a release says (version, columns, classes), never what a request says."""

    def __init__(self, registry: Any = None) -> None:
        from prometheus_client import REGISTRY, Counter, Histogram, Summary

        into: Any = {"registry": registry or REGISTRY}
        model = ["model", "version"]
        self._requests = Counter("mlgit_requests", "Requests by status.", [*model, "code"], **into)
        self._seconds = Histogram("mlgit_request_duration_seconds", "Time to answer.", model, buckets=_SECONDS, **into)
        self._classes = Counter("mlgit_predictions", "Predicted rows by class.", [*model, "class"], **into)
        self._values = Summary("mlgit_prediction_value", "Predicted numbers.", model, **into)
        self._invalid = Counter("mlgit_invalid_inputs", "Values that break the contract.", ["column", "rule"], **into)
        self._missing = Counter("mlgit_missing_values", "Values that are missing.", ["column"], **into)
        self._lost = Counter("mlgit_log_lost", "Answers that could not be written down.", **into)
        self._dropped = Counter("mlgit_shadow_dropped", "Requests that the shadow had no time for.", **into)
        self._children: dict[tuple[Any, ...], Any] = {}

    def request(self, model: LoadedModel, code: int, seconds: float) -> None:
        """A request that came to its end."""
        release = model.release
        self._child(self._requests, release.model, release.version, str(code)).inc()
        self._child(self._seconds, release.model, release.version).observe(seconds)

    def answered(self, model: LoadedModel, exchange: Exchange) -> None:
        """Rows that were predicted: their classes or values, and what was missing in them."""
        release = model.release
        found = exchange.outputs.get("predict")
        if found is not None and found.ndim == 1:
            classes = model.predictor.classes
            if classes and len(classes) <= _MOST_CLASSES:
                for each in found.tolist():
                    # code of a project may answer what is none of its classes
                    label = str(each) if each in classes else OTHER
                    self._child(self._classes, release.model, release.version, label).inc()
            elif not classes and found.dtype.kind in "fiu":
                summary = self._child(self._values, release.model, release.version)
                for each in found.tolist():
                    if math.isfinite(each):  # a sum never gets rid of another
                        summary.observe(each)
        self._count_missing(model, exchange.data)

    def _count_missing(self, model: LoadedModel, data: Any) -> None:
        if isinstance(data, np.ndarray):
            if data.dtype.kind == "f" and np.isnan(data).any():
                for place, count in enumerate(np.isnan(data).sum(axis=0).tolist()):
                    self._miss(model, place, count)
            return
        for row in data:
            if None in row:
                for place, value in enumerate(row):
                    self._miss(model, place, int(value is None))

    def _miss(self, model: LoadedModel, place: int, count: int) -> None:
        if count and place < len(model.inputs.columns):
            self._child(self._missing, model.inputs.columns[place].name).inc(count)

    def invalid(self, violations: tuple[Violation, ...]) -> None:
        """Values that break the contract."""
        for each in violations:
            self._child(self._invalid, each.column, each.rule).inc()

    def log_lost(self, count: int) -> None:
        """Answers that could not be written down."""
        self._lost.inc(count)

    def shadow_dropped(self) -> None:
        """A request that the shadow had no time for."""
        self._dropped.inc()

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child


def added_up(folder: Path) -> bytes:
    """What all workers counted, in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=os.fspath(folder))
    return bytes(generate_latest(registry))


class _OfSupervisor:
    """What only the supervisor knows, as values: counters of its own would be written beside those of the workers."""

    def __init__(self, status: ServingStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Any]:
        """The metrics, as `prometheus_client` asks for them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        status = self._status
        info = GaugeMetricFamily(
            "mlgit_model_info", "What is served: always 1.", labels=["model", "role", "version", "commit", "digest"]
        )
        for role, said in status.models.items():
            info.add_metric([said["model"], role, said["version"], said["commit"], said["digest"]], 1)
        yield info
        yield CounterMetricFamily("mlgit_worker_restarts", "Workers that ended and were started anew.", value=status.restarts)
        failed, looked, swapped = float(bool(status.trouble)), status.looked, status.swapped
        yield GaugeMetricFamily("mlgit_follow_failed", "1 where what is in production could not be served.", value=failed)
        name = "mlgit_follow_last_look_timestamp_seconds"
        yield GaugeMetricFamily(name, "When it was looked for something newer.", value=looked)
        name = "mlgit_follow_last_swap_timestamp_seconds"
        yield GaugeMetricFamily(name, "When something newer was served.", value=swapped)


def of_supervisor(status: ServingStatus) -> bytes:
    """What only the supervisor knows: what is served, and whether it could look for something newer."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry: Any = CollectorRegistry()
    registry.register(_OfSupervisor(status))
    return bytes(generate_latest(registry))
