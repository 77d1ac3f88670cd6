"""Folds what happened to a run, event by event, into what the run is.

An event is a row: `["p", key, value]` a parameter, `["t", key, value]` and `["dt", key]` a tag set and taken away, `["m", key,
value, time, step, ...]` a point of a metric as the codec of runs writes it, `["s", {...}]` status, end_time or name,
`["in", [...]]` a dataset, `["min", model]` and `["mout", model, step]` logged models, `["a", path, bytes, digest]` and `["da",
path]` a file kept and taken away, `["c", tree, untracked]` the code, `["del", time]` deleted (null: restored).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mlgit.experiments.run import NAME_TAG, ChangedParamError, DeletedRecordError, LoggedRun, MetricPoint, ModelOutput
from mlgit.experiments.run_codec import dataset_in, point_in

Event = list[Any]
_UPDATED = ("status", "end_time", "name")


class RunFold:
    """A run while events come. Not a value: `run` gives one."""

    def __init__(self, start: LoggedRun) -> None:
        self.start = start
        self.deleted = start.deleted
        self.params = dict(start.params)
        self._tags = dict(start.tags)
        self._fields: dict[str, Any] = {}
        self._metrics = dict(start.metrics)
        self._model_metrics = {(each.model_id, each.key, each.dataset_name): each for each in start.model_metrics}
        self._datasets = {(each.name, each.digest): each for each in start.datasets}
        self._model_inputs = dict.fromkeys(start.model_inputs)
        self._model_outputs = dict.fromkeys(start.model_outputs)
        self.file_changes: dict[str, tuple[int, str] | None] = {}  # path -> bytes and digest, None for away

    def apply(self, events: Iterable[Event]) -> None:
        """Take in events in their order. Raises ValueError and the like for what is none."""
        for event in events:
            kind = event[0]
            if kind == "m":
                self._measure(point_in(event[1:]))
            elif kind == "p":
                self.params.setdefault(event[1], event[2])
            elif kind == "t":
                self._tags[event[1]] = event[2]
            elif kind == "dt":
                self._tags.pop(event[1], None)
            elif kind == "s":
                self._update(event[1])
            else:
                self._link(kind, event)

    def _measure(self, point: MetricPoint) -> None:
        before = self._metrics.get(point.key)
        if before is None or point.order > before.order:
            self._metrics[point.key] = point
        if point.model_id:
            key = (point.model_id, point.key, point.dataset_name)
            known = self._model_metrics.get(key)
            if known is None or point.order > known.order:
                self._model_metrics[key] = point

    def _update(self, changes: dict[str, Any]) -> None:
        self._fields |= {key: changes[key] for key in _UPDATED if key in changes}
        if "name" in changes:
            self._tags[NAME_TAG] = changes["name"]

    def _link(self, kind: str, event: Event) -> None:
        if kind == "in":
            dataset = dataset_in(event[1])
            self._datasets.setdefault((dataset.name, dataset.digest), dataset)
        elif kind == "min":
            self._model_inputs[event[1]] = None
        elif kind == "mout":
            self._model_outputs[ModelOutput(event[1], event[2])] = None
        elif kind == "a":
            self.file_changes[event[1]] = (event[2], event[3])
        elif kind == "da":
            self.file_changes[event[1]] = None
        elif kind == "c":
            self._fields |= {"code": event[1], "untracked": tuple(event[2])}
        elif kind == "del":
            self.deleted = event[1]

    @property
    def run_id(self) -> str:
        return self.start.id

    @property
    def status(self) -> str:
        return str(self._fields.get("status", self.start.status))

    @property
    def needs_code(self) -> bool:
        """Whether nobody said yet what code it is."""
        return not self.start.code and "code" not in self._fields

    def run(self) -> LoggedRun:
        """The run as it is now."""
        return replace(
            self.start,
            deleted=self.deleted,
            params=dict(self.params),
            tags=dict(self._tags),
            metrics=dict(self._metrics),
            datasets=tuple(self._datasets.values()),
            model_inputs=tuple(self._model_inputs),
            model_outputs=tuple(self._model_outputs),
            model_metrics=tuple(self._model_metrics.values()),
            **self._fields,
        )


def refuse(fold: RunFold, events: Iterable[Event], *, also_deleted: bool) -> None:
    """Raise DeletedRecordError or ChangedParamError where a run does not take events."""
    if fold.deleted is not None and not also_deleted:
        raise DeletedRecordError(f"the run {fold.run_id} was deleted", "restore it first")
    new: dict[str, str] = {}
    for event in events:
        if event[0] == "p":
            before = fold.params.get(event[1], new.setdefault(event[1], event[2]))
            if before != event[2]:
                raise ChangedParamError(fold.run_id, key=event[1], before=before, after=event[2])
