"""Reads what a commit or the workspace says about a model, from Git's objects and DVC's cache.

Nothing is checked out, run or loaded.
"""

from __future__ import annotations

import functools
import hashlib
import posixpath
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mlgit.adapters.dvc import hashing
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.modelscan import modelfile
from mlgit.adapters.system import digests
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.pipeline.model import Digest, Stage
from mlgit.pipeline.sources import CommitFiles
from mlgit.registry.facts import DataFile, Facts, FurtherTestSet, ModelFile, Role, Step
from mlgit.revision import prediction_paths, recorded_paths
from mlgit.revision.revision import Revision
from mlgit.revision.values import metric_values, settled
from mlgit.tables import outline


def collect(revision: Revision, artifact: str, *, rows: bool = True) -> Facts:
    """Everything a revision says about an artifact of its dvc.yaml files; worked out once.

    A clean workspace says what its commit says. Without `rows`, tables are not read to count theirs.
    Raises MlgitError for an artifact that is not declared, with the near miss, and for files that cannot be read.
    """
    facts: Facts = revision.once(("facts", artifact, rows), lambda: _Reader(revision, artifact, rows=rows).facts())
    return facts


class _Reader:
    """Reads one revision for one artifact."""

    def __init__(self, revision: Revision, artifact: str, *, rows: bool) -> None:
        self._revision, self._counts_rows = revision, rows
        self._root, self._source = revision.project.root, revision.files
        self._pipeline = revision.pipeline
        self._artifact = revision.artifact(artifact)
        self._model = revision.model(self._artifact)
        self._contents = revision.contents
        self._makers = revision.makers
        self._missing: dict[str, None] = {}

    def facts(self) -> Facts:
        """All facts at once."""
        stages = self._makers.upstream([self._artifact.path])
        steps = tuple(self._step(stage) for stage in stages if not stage.is_source)
        model, data = self._model_file(), self._data(stages)
        predictions = [self._data_file(path, "other") for path in prediction_paths.find(self._revision, self._model)]
        metrics = self._metrics()
        self._look_for_outputs(stages)
        return Facts(
            artifact=self._artifact.name,
            commit=self._revision.commit,
            model=model,
            type=self._artifact.type,
            description=self._artifact.description,
            labels=self._artifact.labels,
            data=data,
            metrics=metrics,
            params=dict(sorted({name: value for step in steps for name, value in step.params.items()}.items())),
            steps=steps,
            predictions=predictions[0] if predictions else None,
            other_predictions=tuple(predictions[1:]),
            tests=tuple(self._test_set(each) for each in self._model.tests),
            environment=self._environment(),
            stale=self._stale(),
            missing=tuple(self._missing),
            metrics_file=posixpath.normpath(self._model.metrics) if self._model.metrics else "",
            evaluation=self._evaluation(stages),
            keys=self._model.keys,
        )

    def _test_set(self, model: Model) -> FurtherTestSet:
        test = [replace(self._data_file(posixpath.normpath(path), "test"), test_set=model.test_set) for path in model.test]
        said = [self._data_file(path, "other") for path in prediction_paths.find(self._revision, model)]
        return FurtherTestSet(model.test_set, tuple(test), tuple(said))

    @property
    def _results(self) -> list[str]:
        """Where the metrics and predictions of the model lie, for all test sets."""
        models = (self._model, *self._model.tests)
        paths = [self._model.metrics, *(path for each in models for path in prediction_paths.find(self._revision, each))]
        return [posixpath.normpath(path) for path in paths if path]

    def _evaluation(self, before: list[Stage]) -> tuple[Step, ...]:
        """The steps to metrics and predictions that are not on the way to the model."""
        known = {stage.address for stage in before}
        stages = [stage for stage in self._makers.upstream(self._results) if not stage.is_source and stage.address not in known]
        return tuple(self._step(stage) for stage in stages)

    def _model_file(self) -> ModelFile:
        path = self._artifact.path
        content = self._content_of(path)
        if content is None and not self._makers.of(path):
            raise MlgitError(
                f"artifact '{self._artifact.name}': '{path}' is not an output of a stage, and neither DVC nor Git tracks it",
                f"name the stage's output in `artifacts:` of dvc.yaml, or type `mlgit add {path}`",
            )
        self._look_for(path, content)
        if content is None:
            return ModelFile(path, "")
        found = self._described(path, content)
        if found is None:
            return ModelFile(path, content.md5, _known(content.size))
        known = (found.md5, found.size, found.sha256, found.format, found.executes_code, found.findings, found.loader)
        return ModelFile(path, *known)

    def _described(self, path: str, content: Content) -> modelfile.Description | None:
        """What the model's bytes are, if they are at hand and those that are recorded."""
        found = None
        with suppress(MlgitError):
            found = self._described_in_store(path)
        if found is None or found.md5 != content.md5:
            with suppress(MlgitError):
                found = modelfile.describe(self._root / path)
        if found is not None and found.md5 == content.md5:
            return found
        self._missing[path] = None
        return None

    def _described_in_store(self, path: str) -> modelfile.Description:
        names = self._contents.files(path)
        opened = {name: functools.partial(self._opened, name) for name in names}
        if names == [path]:
            return modelfile.describe_stream(opened[path], path)
        return modelfile.describe_folder({name.removeprefix(f"{path}/"): each for name, each in opened.items()})

    def _opened(self, path: str) -> BinaryIO:
        stream = self._contents.stream(path)
        if stream is None:
            raise MlgitError(f"{path}: no such file")
        return stream

    def _data(self, stages: list[Stage]) -> tuple[DataFile, ...]:
        sets = {posixpath.normpath(path): each.test_set for each in reversed(self._model.tests) for path in each.test}
        roles: dict[str, Role] = dict.fromkeys(sets, "test")
        roles |= {posixpath.normpath(path): "test" for path in self._model.test}
        sets = {path: name for path, name in sets.items() if path not in map(posixpath.normpath, self._model.test)}
        roles |= {posixpath.normpath(path): "train" for path in self._model.train}
        contracts = set(self._revision.config.contracts.values())  # they say what data must be, and are none
        read = {dep.target for stage in stages for dep in stage.deps} - roles.keys()
        pins = {path for path in read if recorded_paths.pins(path)}
        programs = pins | self._programs(read - pins)
        for stage in stages:
            for dep in stage.deps:
                if dep.target in contracts:
                    roles.setdefault(dep.target, "other")
                elif dep.target not in roles and dep.target not in programs:
                    roles[dep.target] = "other" if any(each.cmd for each in self._makers.of(dep.target)) else "source"
        recorded = self._read_by(stages)
        found = [self._data_file(path, role, read_by=recorded.get(path)) for path, role in sorted(roles.items())]
        return tuple(replace(each, test_set=sets.get(each.path, "") if each.role == "test" else "") for each in found)

    def _read_by(self, stages: list[Stage]) -> dict[str, Digest]:
        """What the locks of stages say about what they read, by path."""
        found = {}
        for stage in stages:
            entry = self._pipeline.entries.get(stage.address)
            targets = {dep.path: dep.target for dep in stage.deps}
            found.update({targets[item.path]: item.digest for item in entry.deps if item.path in targets} if entry else {})
        return found

    def _programs(self, paths: Iterable[str]) -> set[str]:
        """The paths of which Git has something, and nothing but programs."""
        names = {path: [path] if self._source.size(path) is not None else self._source.below(path) for path in paths}
        candidates = [each for below in names.values() if any(map(recorded_paths.is_program, below)) for each in below]
        ignored = self._revision.ignored([*candidates, *_names_at_top(self._revision)])  # asked of Git once
        kept = {path: [name for name in below if name not in ignored] for path, below in names.items()}
        return {path for path, below in kept.items() if below and all(map(recorded_paths.is_program, below))}

    def _data_file(self, path: str, role: Role, *, read_by: Digest | None = None) -> DataFile:
        content = self._content_of(path, read_by=read_by)
        self._look_for(path, content)
        if content is None:
            return DataFile(path, "", role=role)
        n_files = None if content.nfiles is None else _known(content.nfiles)
        return DataFile(path, content.md5, _known(content.size), n_files, role, self._rows(path, content))

    def _content_of(self, path: str, *, read_by: Digest | None = None) -> Content | None:
        if not recorded_paths.is_inside(path):
            return Content(*read_by) if read_by else None
        return self._contents.digest(path, read_by=Content(*read_by) if read_by else None)

    def _rows(self, path: str, content: Content) -> int | None:
        is_known = content.nfiles is None and content.size >= 0
        if not self._counts_rows or not is_known or not outline.is_read(path, content.size):
            return None
        with suppress(MlgitError):  # the digest is known without the bytes
            stream = self._contents.stream(path)
            if stream is not None:
                with stream:
                    return outline.measure(stream, path=path).rows
        return None

    def _metrics(self) -> dict[str, float]:
        path = posixpath.normpath(self._model.metrics) if self._model.metrics else ""
        if not path:
            return {}
        self._look_for(path, self._content_of(path))
        if path in self._missing:
            return {}
        try:
            values = metric_values(self._contents.document(path))
        except (ValueError, RecursionError) as error:
            raise MlgitError(f"{path}: cannot be read: {error}") from error
        except MlgitError:  # only in the workspace
            return {}
        numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
        return {name: float(value) for name, value in sorted(numbers.items()) if not isinstance(value, bool)}

    def _step(self, stage: Stage) -> Step:
        entry = self._pipeline.entries.get(stage.address)
        if entry is None:
            return Step(stage.address, "\n".join(stage.commands))
        targets = {dep.path: dep.target for dep in stage.deps} | {out.path: out.target for out in stage.outs}
        values: dict[str, Any] = {}
        for file, picked in entry.params.items():
            prefix = "" if file == recorded_paths.PARAMETERS else f"{file}:"
            values |= {f"{prefix}{name}": settled(value) for name, value in picked.items()}
        return Step(
            stage.address,
            entry.cmd if isinstance(entry.cmd, str) else "\n".join(entry.cmd),
            {targets.get(item.path, item.path): item.digest.md5 for item in entry.deps},
            {targets.get(item.path, item.path): item.digest.md5 for item in entry.outs},
            values,
        )

    def _environment(self) -> dict[str, str]:
        pins = sorted(path for path in _at_top(self._revision) if recorded_paths.pins(path))
        if isinstance(self._source, CommitFiles):
            self._source.fetch(pins)
        found = {}
        for name in pins:
            with self._source.stream(name) as stream:
                found[name] = hashlib.sha256(stream.read()).hexdigest()
        return found

    def _stale(self) -> tuple[str, ...]:
        """Of the stages that model, metrics and predictions come from."""
        tested = [path for each in (self._model, *self._model.tests) for path in each.test]
        made = [self._artifact.path, *self._results, *self._model.train, *tested]
        stages = self._makers.upstream([posixpath.normpath(path) for path in made if path])
        return tuple(stage.address for stage in stages if self._revision.is_stale(stage))

    def _look_for_outputs(self, stages: list[Stage]) -> None:
        for stage in stages:
            entry = self._pipeline.entries.get(stage.address)
            recorded = {item.path: Content(*item.digest) for item in entry.outs} if entry else {}
            for out in stage.outs:
                self._look_for(out.target, recorded.get(out.path))

    def _look_for(self, path: str, content: Content | None) -> None:
        """Note a path whose bytes are nowhere: not in the commit, not in the cache, and not in the workspace."""
        if path in self._missing or not recorded_paths.is_inside(path):
            return
        if self._source.size(path) is not None or self._source.below(path):
            return
        if content is None or (not self._revision.cache.has_all(content.md5) and _lying(self._root / path) != content.md5):
            self._missing[path] = None


def _at_top(revision: Revision) -> list[str]:
    """The files of the project's root that are in the commit, or would be after `git add`."""
    if isinstance(revision.files, CommitFiles):
        return [path for path in revision.files.tree if "/" not in path]
    names = _names_at_top(revision)
    return sorted({*names} - revision.ignored(names))


def _names_at_top(revision: Revision) -> list[str]:
    """The files that lie at the root of the workspace; none of a commit."""
    if revision.commit:
        return []
    return [entry.name for entry in revision.project.root.iterdir() if entry.is_file()]


def _lying(path: Path) -> str:
    """The md5 of what lies in the workspace, '' where nothing does."""
    try:
        if path.is_file():
            return hashing.file_md5(str(path))
        found = sorted(each for each in path.rglob("*") if each.is_file())
        members = [(each.relative_to(path).as_posix(), hashing.file_md5(str(each))) for each in found]
        return digests.listing_md5(members) if path.is_dir() else ""
    except OSError:
        return ""


def _known(number: int) -> int | None:
    return None if number < 0 else number
