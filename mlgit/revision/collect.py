"""Reads one side of a comparison: a revision from Git's objects and DVC's cache, or the workspace as it lies.

Neither the working tree nor the index nor the network is touched. What cannot be read becomes a note, so that the rest
is still compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.pipeline.model import Digest, Stage
from mlgit.pipeline.sources import CommitFiles
from mlgit.render.text import few
from mlgit.revision import recorded_paths
from mlgit.revision.contents import LARGEST_BLOB
from mlgit.revision.refs import Notice
from mlgit.revision.revision import Revision
from mlgit.revision.snapshot import Data, DataKind, Snapshot, StageSnapshot, differing
from mlgit.revision.values import Value, metric_values, parameter_values
from mlgit.tables import outline
from mlgit.tables.shape import Shape

METRIC_ENDINGS = (".json", ".yaml", ".yml", ".toml")


def collect(revision: Revision) -> Snapshot:
    """Everything there is to compare of a commit or of the workspace.

    Raises MlgitError when its pipeline cannot be read.
    """
    reader = _Reader(revision)
    snapshot = reader.snapshot()
    return reader.measure(snapshot, snapshot.data)


def collect_both(base: Revision, head: Revision) -> tuple[Snapshot, Snapshot]:
    """Both sides of a comparison; of tables, only those that differ are read for their rows and columns.

    Raises MlgitError when the pipeline of a side cannot be read.
    """
    one, other = _Reader(base), _Reader(head)
    first = one.snapshot()
    snapshots = first, other.snapshot(beside=_Beside(base, first))
    paths = differing(*snapshots)
    return one.measure(snapshots[0], paths, folders=True), other.measure(snapshots[1], paths, folders=True)


def values(revision: Revision) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, Mapping[str, Value]], tuple[str, ...]]:
    """Parameters and metrics alone, by file, and what could not be read of them.

    Raises MlgitError when the pipeline cannot be read.
    """
    return _Reader(revision).values()


class _Beside(NamedTuple):
    """The other side, of which a stage is taken over where everything that it depends on is the same."""

    revision: Revision
    snapshot: Snapshot


class _Reader:
    """Makes the snapshot of one side."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._notes: dict[Notice, None] = {}
        self._unread: set[str] = set()
        with _blamed(revision):
            self._pipeline = revision.pipeline
            self._listed = {path: revision.files.sections(path) for path in recorded_paths.pipeline_files(self._pipeline)}
            self._config = self._read_config()
        self._contents = revision.contents

    def _read_config(self) -> Config:
        try:
            return self._revision.config
        except MlgitError as error:
            if not self._revision.commit:
                raise
            self._note(error.message, error.hint)
            return Config()

    def _note(self, message: str, hint: str = "") -> None:
        self._notes[Notice(message, hint)] = None

    def snapshot(self, *, beside: _Beside | None = None) -> Snapshot:
        """Everything but rows and columns."""
        self._read_ahead()
        metrics, parameters, data = self._metrics(), self._parameters(), self._data()
        known = beside if beside and beside.revision.pipeline.graph is self._pipeline.graph else None
        before = known.snapshot.parameters if known else {}
        moved = {file for file in (*parameters, *before) if parameters.get(file) != before.get(file)}
        stages = {}
        for stage in self._pipeline.graph.stages:
            if not stage.is_source:
                read = recorded_paths.dependencies(self._pipeline, stage, self._digest)
                same = known and self._is_same(stage, read, data, moved, known)
                stages[stage.address] = known.snapshot.stages[stage.address] if known and same else self._step(stage, read)
                if known and same:
                    self._revision.take_stale(stage, known.revision)
        stale = tuple(stage.address for stage in self._pipeline.graph.stages if self._revision.is_stale(stage))
        self._note_absent()
        self._note_stale(stale)
        self._revision.remember()
        return Snapshot(
            name=self._revision.ref.name,
            commit=self._revision.commit,
            metrics=metrics,
            parameters=parameters,
            data=data,
            stages=stages,
            config=self._config,
            unread=frozenset(self._unread),
            stale=stale,
            notes=tuple(self._notes),
        )

    def values(self) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, Mapping[str, Value]], tuple[str, ...]]:
        """Parameters, metrics and the notes on them."""
        parameters, metrics = self._parameters(), self._metrics()
        return parameters, metrics, tuple(each.message for each in self._notes)

    def _read_ahead(self) -> None:
        """Get from Git, by one process, what will be looked at."""
        files = self._revision.files
        if isinstance(files, CommitFiles):
            wanted = recorded_paths.metric_files(self._pipeline, self._listed)
            wanted += recorded_paths.parameter_files(self._pipeline, self._listed)
            for stage in self._pipeline.graph.stages:
                wanted += [target for _, target in stage.inputs()] + [out.target for out in stage.outs]
            files.fetch([path for path in wanted if (files.size(path) or 0) <= LARGEST_BLOB])

    def _metrics(self) -> dict[str, dict[str, Value]]:
        found = {}
        for target in recorded_paths.metric_files(self._pipeline, self._listed):
            for file in self._metric_files(target):
                with self._reading(file):
                    document = self._revision.document(file)
                    if document is None:
                        self._note(f"{file}: no such file", "`mlgit run` makes what a stage declares")
                    else:
                        found[file] = metric_values(document)
        return found

    def _metric_files(self, target: str) -> list[str]:
        with self._reading(target):
            if not recorded_paths.is_inside(target):
                raise MlgitError(f"{target}: not read, for it is not a path in the project")
            found = self._contents.files(target)
            return found if found == [target] else [file for file in found if file.endswith(METRIC_ENDINGS)]
        return []

    def _parameters(self) -> dict[str, dict[str, Any]]:
        found = {}
        for file, keys in recorded_paths.parameter_files(self._pipeline, self._listed).items():
            with self._reading(file):
                document = self._revision.document(file)
                if document is not None:
                    found[file] = parameter_values(document, keys)
        return found

    @contextmanager
    def _reading(self, file: str) -> Iterator[None]:
        try:
            yield
        except MlgitError as error:
            self._unread.add(file)
            self._note(error.message, error.hint)
        except (ValueError, RecursionError) as error:
            self._unread.add(file)
            self._note(f"{file}: cannot be read: {error}")

    def _digest(self, path: str, *, read_by: Digest | None = None) -> Digest | None:
        try:
            return self._revision.digest(path, read_by=read_by)
        except MlgitError as error:
            self._note(error.message, error.hint)
            return None

    def _data(self) -> dict[str, Data]:
        found: dict[str, Data] = {}
        for stage in self._pipeline.graph.stages:
            for out in stage.outs:
                kind: DataKind = "data" if stage.is_source else out.kind
                digest = self._digest(out.target)
                if digest or recorded_paths.is_opaque(self._pipeline, stage):
                    found[out.target] = Data(kind, digest)
        opaque = [path for path, each in found.items() if each.digest is None]
        if opaque:
            self._note(f"only DVC knows the content of {few(opaque)}", "`dvc diff` compares it")
        return found

    def _is_same(
        self, stage: Stage, read: Mapping[str, Digest | None], data: Mapping[str, Data], moved: set[str], known: _Beside
    ) -> bool:
        """Whether a stage of the one graph of both sides read, made and recorded the same as on the other."""
        entry, other = self._pipeline.entries.get(stage.address), known.revision.pipeline.entries.get(stage.address)
        return (
            entry is not None
            and entry is other
            and read == known.snapshot.stages[stage.address].deps
            and all(each.target not in moved and each.target not in self._unread for each in stage.params)
            and all(data.get(out.target) == known.snapshot.data.get(out.target) for out in stage.outs)
        )

    def _step(self, stage: Stage, read: Mapping[str, Digest | None]) -> StageSnapshot:
        values = {}
        for each in stage.params:
            prefix = "" if each.target == recorded_paths.PARAMETERS else f"{each.target}:"
            with suppress(MlgitError, ValueError, RecursionError):  # told of where the file's parameters are read
                picked = parameter_values(self._revision.document(each.target), each.keys)
                values.update({f"{prefix}{name}": value for name, value in picked.items()})
        return StageSnapshot(stage.cmd, read, values, tuple(out.target for out in stage.outs))

    def _note_absent(self) -> None:
        if self._contents.absent and not self._revision.commit:
            paths = few(tuple(self._contents.absent))
            self._note(f"not there, so compared as recorded: {paths}", "`dvc checkout` or `dvc pull` brings it back")

    def _note_stale(self, stale: tuple[str, ...]) -> None:
        if stale:
            hint = "" if self._revision.commit else "`mlgit run` brings it up to date"
            self._note(f"stale, so results may not belong to what is declared: {few(stale)}", hint)

    def measure(self, snapshot: Snapshot, paths: Collection[str], *, folders: bool = False) -> Snapshot:
        """The snapshot with what is inside those of the paths whose bytes are at hand: rows and columns, files of `folders`."""
        measured = {
            path: replace(each, shape=self._shape(path, each), members=self._members(path, each) if folders else None)
            for path, each in snapshot.data.items()
            if path in paths
        }
        return replace(snapshot, data={**snapshot.data, **measured})

    def _members(self, path: str, data: Data) -> Mapping[str, str] | None:
        return self._contents.members(path) if data.digest is not None and data.digest.is_folder else None

    def _shape(self, path: str, data: Data) -> Shape | None:
        if data.digest is None or data.digest.is_folder or not outline.is_read(path, data.digest.size):
            return None
        with suppress(MlgitError):  # the sizes are known without the bytes
            stream = self._contents.stream(path)
            if stream is not None:
                with stream:
                    return outline.measure(stream, path=path)
        return None


@contextmanager
def _blamed(revision: Revision) -> Iterator[None]:
    """Faults in the files of a commit name the commit: mending the workspace would not help."""
    try:
        yield
    except MlgitError as error:
        if not revision.commit:
            raise
        raise MlgitError(
            f"{revision.ref.label}: {error.message}", "compare with another revision: `mlgit diff REVISION`"
        ) from error
