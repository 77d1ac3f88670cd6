"""Reads what one side says of its models: tables of predictions, metrics, and the digests of what they belong to.

Files are read as they lie in the workspace, else from Git's objects and DVC's cache; nothing is checked out or fetched.
What cannot be read is told as the trouble of its model.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation import prediction_files
from mlgit.evaluation.model_results import (
    MODEL_BYTES,
    ModelResults,
    PredictionTable,
    RevisionResults,
    Table,
    columns,
    has_scores,
    key,
    may_name_groups,
    numbers,
    test_digest,
)
from mlgit.model_settings import Model
from mlgit.pipeline.model import Entry
from mlgit.render.text import size as shown_size
from mlgit.revision import prediction_paths, recorded_paths
from mlgit.revision.revision import Revision
from mlgit.revision.values import metric_values
from mlgit.rules import Gates
from mlgit.tables import formats, limits, outline, selection


def read(revision: Revision, models: Mapping[str, Model], *, gates: Gates) -> RevisionResults:
    """What a revision says of these models; `gates` tells which columns are needed.

    Raises MlgitError when the revision's pipeline cannot be read.
    """
    label = revision.ref.label
    try:
        reader = _Reader(revision, gates)
    except MlgitError as error:
        raise MlgitError(f"{label}: {error.message}", error.hint) from error
    found = {name: reader.scored(model) for name, model in models.items()}
    revision.remember()
    return RevisionResults(label, found)


class _Reader:
    """Reads the models of one side."""

    def __init__(self, revision: Revision, gates: Gates) -> None:
        self._gates = gates
        self._makers = revision.makers
        self._revision = revision
        self._contents = revision.contents

    def scored(self, model: Model) -> ModelResults:
        recorded, trouble, hint = self._recorded(model) if model.metrics else ({}, "", "")
        table: Table | None = None
        files = prediction_paths.find(self._revision, model)
        if model.predictions:
            try:
                table = self._table(model, files)
            except MlgitError as error:
                trouble, hint = error.message, error.hint
        artifact = self._revision.artifact_path(model.name)
        paths = [posixpath.normpath(path) for path in (*files, artifact, model.metrics) if path]
        predicted, made = self._digest_of_all(files), self._digest(artifact)
        is_absent = table is None and bool(model.predictions) and not any(map(self._is_here, files))
        return ModelResults(
            model,
            recorded,
            table,
            trouble,
            hint,
            test=self._test(model),
            output=predicted or made or self._digest(model.metrics),
            stale=self._stale([*paths, *model.test], after=artifact),
            made_from=self._made_from(model, files),
            is_measured=self._is_made(model.metrics),
            predicted=predicted,
            artifact=made,
            made_by=self._made_by(paths),
            n_test=self._n_test(model) if table is None else 0,
            is_absent=is_absent,
            unmade=tuple(each for each in files if not self._is_made(each)),
        )

    def _digest_of_all(self, files: Sequence[str]) -> str:
        """The digest of one file, or one for several; '' where one of them is not known."""
        found = [self._digest(each) for each in files]
        if len(found) < 2 or not all(found):
            return found[0] if len(found) == 1 else ""
        return hashlib.sha256("\n".join(found).encode()).hexdigest()

    def _digest(self, path: str) -> str:
        found = self._revision.digest_or_none(posixpath.normpath(path)) if path else None
        return found.md5 if found else ""

    def _made_by(self, paths: Iterable[str]) -> tuple[tuple[str, Entry | None], ...]:
        entries = self._revision.pipeline.entries
        return tuple((each.address, entries.get(each.address)) for each in self._makers.upstream(paths) if not each.is_source)

    def _is_here(self, path: str) -> bool:
        try:
            stream = self._contents.stream(posixpath.normpath(path))
        except MlgitError:
            return False
        if stream is not None:
            stream.close()
        return stream is not None

    def _n_test(self, model: Model) -> int:
        """The rows of all test data; 0 where those of one file are not known."""
        counts = [self._rows(posixpath.normpath(path)) for path in model.test]
        return sum(counts) if all(counts) else 0

    def _rows(self, path: str) -> int:
        try:
            size = self._contents.size(path) if recorded_paths.is_inside(path) else None
            stream = self._contents.stream(path) if size is not None and outline.is_read(path, size) else None
            if stream is None:
                return 0
            with stream:
                return outline.measure(stream, path=path).rows
        except MlgitError:
            return 0

    def _is_made(self, path: str) -> bool:
        return bool(path) and any(not stage.is_source for stage in self._makers.of(posixpath.normpath(path)))

    def _made_from(self, model: Model, files: Sequence[str]) -> Literal["", "stages", "model"]:
        if not files or not all(map(self._is_made, files)):
            return ""
        return "model" if self._reads(files, self._revision.artifact_path(model.name)) else "stages"

    def _reads(self, paths: Iterable[str], artifact: str) -> bool:
        """Whether a model is on the way to these paths: read by a stage, or made by one that makes them too."""
        stages = self._makers.upstream(paths)
        touched = [out.target for stage in stages for out in stage.outs]
        touched += [path for stage in stages for _, path in stage.inputs()]
        return bool(artifact) and any(
            f"{each}/".startswith(f"{artifact}/") or artifact.startswith(f"{each}/") for each in touched
        )

    def _recorded(self, model: Model) -> tuple[dict[str, float], str, str]:
        found: dict[str, float] = {}
        size = self._revision.digest_or_none(self._revision.artifact_path(model.name))
        if size is not None and size.size >= 0:
            found[MODEL_BYTES] = float(size.size)
        path = posixpath.normpath(model.metrics) if model.metrics else ""
        if not recorded_paths.is_inside(path):
            return found, "", ""
        try:
            document = self._contents.document(path)
            return ({} if document is None else numbers(metric_values(document))) | found, "", ""
        except MlgitError as error:
            return found, error.message, error.hint
        except (ValueError, RecursionError) as error:
            return found, f"{path}: cannot be read: {error}", ""

    def _test(self, model: Model) -> str:
        found = (self._revision.digest_or_none(posixpath.normpath(path)) for path in model.test)
        return test_digest(each.md5 if each else "" for each in found)

    def _stale(self, paths: Collection[str], *, after: str) -> tuple[str, ...]:
        """Stages whose results do not belong to what is declared. One that is frozen may keep what it read, but for those that
        judge the model (`after`): their results would be those of another one.
        """
        stages = self._makers.upstream(posixpath.normpath(path) for path in paths)
        thawed = [
            each._replace(frozen=False) if each.frozen and self._reads([path for _, path in each.inputs()], after) else each
            for each in stages
        ]
        stale = [each for each in thawed if self._revision.is_stale(each)]
        return tuple(stage.address for stage in stale)

    def _table(self, model: Model, files: Sequence[str]) -> Table | None:
        """The columns that are asked for, read once for all that ask for the same."""
        wanted, names = columns(model, rules=self._gates.rules, cluster=self._gates.stats.cluster)
        keys = key(model, rules=self._gates.rules, cluster=self._gates.stats.cluster)
        asked = "predictions", tuple(files), model.repeats, frozenset(wanted), frozenset(names), frozenset(keys), model.scores
        table: Table | None = self._revision.once(asked, lambda: self._read_all(model, files))
        return table

    def _read_all(self, model: Model, files: Sequence[str]) -> Table | None:
        if not model.files:
            return self._read(model, files[0])
        if not files:
            raise MlgitError(f"{model.predictions}: no file matches", "`mlgit run` makes them, `dvc pull` brings them back")
        self._refuse_many(model, files)
        tables = [self._read(model, each) for each in files]
        found = [each for each in tables if each is not None]
        if not found:
            return None
        if len(found) < len(files):
            absent = [path for path, each in zip(files, tables, strict=True) if each is None]
            raise MlgitError(f"{absent[0]}: no such file", "let every file of predictions be there, or list those that are")
        _, names = columns(model, rules=self._gates.rules, cluster=self._gates.stats.cluster)
        shared = {*names, *model.keys, model.id, model.label, model.weight, model.order}
        return prediction_files.joined(model, found, files, shared=shared)

    def _refuse_many(self, model: Model, files: Sequence[str]) -> None:
        """Files that lie in memory at once are few, and not too large together."""
        hint = "list fewer files, or write a narrower pattern"
        if len(files) > limits.PREDICTIONS_FILES:
            raise MlgitError(
                f"{model.predictions}: {len(files)} files, and at most {limits.PREDICTIONS_FILES} are read at once", hint
            )
        size = sum(self._contents.size(each) or 0 for each in files if recorded_paths.is_inside(each))
        if size > limits.PREDICTIONS_FILES_BYTES:
            most = shown_size(limits.PREDICTIONS_FILES_BYTES)
            raise MlgitError(
                f"{model.predictions}: {shown_size(size)} in {len(files)} files, and at most {most} are read", hint
            )

    def _read(self, model: Model, path: str) -> Table | None:
        if not recorded_paths.is_inside(path) or formats.of(path) is None:
            raise MlgitError(f"{path}: no table: it is not in the project, or ends in none of {formats.LISTED}")
        size = self._contents.size(path)
        if size is None:
            if self._makers.of(path):
                raise MlgitError(f"{path}: no such file", "`mlgit run` makes it, `dvc pull` brings it back")
            return None  # a side that never made predictions
        if size > limits.PREDICTIONS_BYTES:
            raise _too_large(path, size)
        content = self._contents.read(path, most=limits.PREDICTIONS_BYTES)
        return None if content is None else _parsed(content, path, model, self._gates)


def from_file(path: Path, model: Model, *, gates: Gates) -> Table:
    """The predictions in a file that was made for a comparison. Raises MlgitError for what is no table."""
    try:
        if path.stat().st_size > limits.PREDICTIONS_BYTES:
            raise _too_large(model.predictions, path.stat().st_size)
        content = path.read_bytes()
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error
    return _parsed(content, f"x{formats.ending(path.name)}", model, gates)


def _too_large(path: str, size: int) -> MlgitError:
    return MlgitError(
        f"{path}: {shown_size(size)} would take about {shown_size(10 * size)} of memory to compare",
        f"tables of up to {shown_size(limits.PREDICTIONS_BYTES)} are read; leave out columns that no rule needs, "
        "or write Parquet",
    )


def _parsed(content: bytes, path: str, model: Model, gates: Gates) -> Table:
    wanted, names = columns(model, rules=gates.rules, cluster=gates.stats.cluster)
    keys = key(model, rules=gates.rules, cluster=gates.stats.cluster)

    def is_wanted(name: str) -> bool:
        return may_name_groups(name) or (isinstance(model.scores, str) and has_scores(model, name))

    try:
        made = PredictionTable(selection.select(content, path=path, names=wanted, texts=names, keys=keys, also=is_wanted))
        if not wanted - {model.score} <= made.keys():
            made.header = outline.measure(content, path=path).columns
    except MlgitError as error:
        raise MlgitError(f"{path}: {error.message}", error.hint) from error
    made.update({name: _numbers(column) for name, column in made.items() if name not in {*names, model.label}})
    if model.key and set(model.key) <= made.keys():
        made[model.id] = prediction_files.composite([made[name] for name in model.key])
    return made


def _numbers(column: Any) -> Any:
    """A column of numbers of which some are none, as programs write that: `nan` beside numbers is no text."""
    if not isinstance(column, np.ndarray) or column.dtype.kind != "O" or not any(map(_is_none, column.tolist())):
        return column
    texts = [each if isinstance(each, str) else "nan" for each in column.tolist()]
    try:
        found = np.array(texts, dtype=float)
    except ValueError:
        return column
    return column if np.isnan(found).all() else found


def _is_none(value: Any) -> bool:
    return isinstance(value, str) and value.lower() == "nan"
