"""Folders that DVCLive wrote, as runs: parameters, the history of each metric, and the other files. Nothing is unpickled."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from mlgit.adapters.formats import yaml12
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.experiments import run_codec
from mlgit.experiments.foreign_runs import ForeignModel, ForeignRun, measured, number, whole
from mlgit.experiments.local_artifacts import LocalArtifacts
from mlgit.experiments.run import ApiExperiment, LoggedRun, MetricPoint

EXPERIMENT = "DVCLive"
METRICS, PARAMS, HISTORY = "metrics.json", "params.yaml", "plots/metrics"
_LARGEST = 256 << 20
_DEEPEST = 50


class LiveFolders:
    """Folders that DVCLive wrote, a run each. What a run is called by comes of its values: a copy is the same run."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._artifacts = LocalArtifacts(folders)
        self._missed: list[str] = []

    @property
    def title(self) -> str:
        """What it is, and where."""
        names = [f"{each.resolve().parent.name}/{each.name}" for each in self._folders]
        return f"DVCLive, {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")

    def experiments(self) -> list[ApiExperiment]:
        """The one experiment that such runs stand under."""
        return [ApiExperiment(EXPERIMENT, EXPERIMENT)]

    def runs(self) -> Iterator[ForeignRun]:
        """A run for each folder."""
        for folder in self._folders:
            points = sorted(self._points(folder), key=lambda each: (each.timestamp, each.step))
            params, summary = self._params(folder), self._summary(folder)
            known = {each.key for each in points}
            ended = _milliseconds(folder / METRICS)
            steps = max((each.step for each in points), default=0)
            points += [MetricPoint(key, each, ended, steps) for key, each in summary.items() if key not in known]
            begun = min((each.timestamp for each in points), default=ended)
            rows = sorted([each.key, each.step, run_codec.number_out(each.value)] for each in points)
            run_id = hashlib.sha256(json.dumps([params, rows], sort_keys=True).encode()).hexdigest()[:32]
            name = f"{folder.resolve().parent.name}/{folder.name}"
            run = LoggedRun(
                run_id, EXPERIMENT, name, "", "FINISHED", begun, ended, params=params, tags={"mlflow.runName": name}
            )
            yield ForeignRun(measured(run, points), tuple(points), str(folder), by_content=True)

    def _params(self, folder: Path) -> dict[str, str]:
        content = self._read(folder / PARAMS)
        try:
            found = yaml12.parse(content, name=PARAMS) if content else None
        except MlgitError as error:
            self._missed.append(f"{folder.name}/{PARAMS}: {error.message}")
            return {}
        return {key: _text(each) for key, each in _flat(found, ".")}

    def _summary(self, folder: Path) -> dict[str, float]:
        """The newest values, `step` apart, which is none."""
        content = self._read(folder / METRICS)
        try:
            found = json.loads(content) if content else None
        except (ValueError, RecursionError):
            self._missed.append(f"{folder.name}/{METRICS}: not JSON")
            return {}
        values = {key: number(each) for key, each in _flat(found, "/") if key != "step"}
        words = [key for key, each in values.items() if each is None]
        self._missed += [f"{folder.name}/{METRICS}: `{key[:80]}` is no number" for key in words]
        return {key: each for key, each in values.items() if each is not None}

    def _points(self, folder: Path) -> Iterator[MetricPoint]:
        top = folder / HISTORY
        for path in sorted(top.rglob("*.tsv")) if top.is_dir() else ():
            if path.is_symlink() or not path.is_file():
                continue
            key = path.relative_to(top).as_posix().removesuffix(".tsv")
            rows = csv.reader(self._read(path).splitlines(), delimiter="\t")
            head = next(rows, [])
            if "step" not in head:
                self._missed.append(f"{folder.name}/{HISTORY}/{key}.tsv: it has no column `step`")
                continue
            yield from self._rows(key, head, rows, otherwise=_milliseconds(path))

    def _rows(self, key: str, head: list[str], rows: Iterator[list[str]], *, otherwise: int) -> Iterator[MetricPoint]:
        step, last = head.index("step"), len(head) - 1
        when = head.index("timestamp") if "timestamp" in head else None
        try:
            for row in rows:
                value = number(row[last]) if len(row) == len(head) else None
                if value is None:
                    self._missed.append(f"{HISTORY}/{key}.tsv: a line that is no point of a metric")
                    continue
                yield MetricPoint(key, value, otherwise if when is None else whole(row[when]), whole(row[step]))
        except csv.Error as error:
            self._missed.append(f"{HISTORY}/{key}.tsv: {error}")

    def _read(self, path: Path) -> str:
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                return ""
            return files.read_bytes(path).decode("utf-8", "replace")
        except (OSError, MlgitError) as error:
            self._missed.append(f"{path.name}: {error}")
            return ""

    def models(self) -> Iterator[ForeignModel]:
        """None: DVCLive has no such thing."""
        return iter(())

    def files(self, place: str, *, known: Callable[[], Collection[str]]) -> AbstractContextManager[Mapping[str, Path]]:
        """The files of a folder beside what was read as values."""
        there = self._artifacts.below(place, known=known)
        values = (METRICS, PARAMS)
        return nullcontext({path: file for path, file in there.items() if path not in values and not _is_history(path)})

    def missed(self) -> list[str]:
        """What could not be read so far."""
        return [*self._missed, *self._artifacts.missed()]


def is_live(folder: Path) -> bool:
    """Whether DVCLive wrote a folder."""
    return (folder / HISTORY).is_dir() or ((folder / METRICS).is_file() and (folder / PARAMS).is_file())


def _is_history(path: str) -> bool:
    return path.startswith(f"{HISTORY}/") and path.endswith(".tsv")


def _milliseconds(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns // 1_000_000
    except OSError:
        return 0


def _flat(value: Any, mark: str, *, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The values of a document by names joined with a mark."""
    for key, each in value.items() if isinstance(value, dict) and depth < _DEEPEST else ():
        if isinstance(each, dict) and each:
            yield from ((f"{key}{mark}{inner}", found) for inner, found in _flat(each, mark, depth=depth + 1))
        else:
            yield str(key), each


def _text(value: Any) -> str:
    """A parameter as MLflow writes one."""
    return json.dumps(value, default=str) if isinstance(value, (list, dict)) else str(value)
