"""Runs that other tools logged, as values: what every reader of another store gives, and how values of theirs are taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from mlgit.experiments.run import ApiExperiment, LoggedRun, MetricPoint, ModelRecord

# A number that MLflow's databases hold for infinity, which they have no word for.
LARGEST = 1.7976931348623157e308
FROM_INTEGER = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
MODEL_FROM_INTEGER = {1: "PENDING", 2: "READY", 3: "FAILED"}


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """A run as another store has it: `experiment_id` is that store's, `place` where its files are, in words of the reader.

    `by_content`: its id comes of what it holds, so what has that id is the same run, whatever its name and times.
    """

    run: LoggedRun
    points: tuple[MetricPoint, ...] = ()
    place: str = ""
    by_content: bool = False


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """A logged model as another store has it."""

    model: ModelRecord
    place: str = ""


class ForeignStore(Protocol):
    """A store of runs that is only read. `title` is what messages call it."""

    @property
    def title(self) -> str:
        """What it is, and where."""

    def experiments(self) -> Iterable[ApiExperiment]:
        """All experiments, deleted ones too."""

    def runs(self) -> Iterator[ForeignRun]:
        """All runs, deleted ones too."""

    def models(self) -> Iterator[ForeignModel]:
        """All logged models."""

    def files(self, place: str, *, known: Callable[[], Collection[str]]) -> AbstractContextManager[Mapping[str, Path]]:
        """The files at a place that are not among those `known`: path -> file of this machine, while the block runs."""

    def missed(self) -> list[str]:
        """What could not be read so far, a sentence each."""


def whole(value: Any, *, otherwise: int | None = 0) -> Any:
    """A whole number of another store, `otherwise` for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return otherwise
    try:
        return int(value)
    except (ValueError, OverflowError):
        return otherwise


def text(value: Any) -> str:
    """A text of another store: '' for nothing, and other kinds as they are written."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def texts(value: Any) -> dict[str, str]:
    """A mapping of texts."""
    return {text(key): text(each) for key, each in value.items()} if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """A number of another store: words for NaN and infinity too, the largest number as infinity; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return math.copysign(math.inf, found) if abs(found) >= LARGEST else found


def measured(run: LoggedRun, points: Iterable[MetricPoint]) -> LoggedRun:
    """A run with the latest of these points of each metric."""
    latest: dict[str, MetricPoint] = {}
    of_models: dict[tuple[str, str, str], MetricPoint] = {}
    for point in points:
        known = latest.get(point.key)
        if known is None or point.order > known.order:
            latest[point.key] = point
        if point.model_id:
            key = (point.model_id, point.key, point.dataset_name)
            before = of_models.get(key)
            if before is None or point.order > before.order:
                of_models[key] = point
    return replace(run, metrics=latest, model_metrics=tuple(of_models.values()))


def with_models(points: Iterable[MetricPoint], of_models: Iterable[MetricPoint]) -> tuple[MetricPoint, ...]:
    """The points of a run, each of a logged model where one tells the same of it; those that only models have come last."""
    known: dict[tuple[str, int, int], list[MetricPoint]] = {}
    for each in of_models:
        known.setdefault((each.key, each.timestamp, each.step), []).append(each)
    found: list[MetricPoint] = []
    for point in points:
        found += known.pop((point.key, point.timestamp, point.step), [point])
    return (*found, *(each for rest in known.values() for each in rest))
