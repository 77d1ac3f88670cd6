"""Counts the test rows that a model may have learned from: rows of its training data, as they stand or by name.

A count is kept in mlgit's own folder by the digests of what was read, for data does not change under its digest: the next
command reads a note.
"""

from __future__ import annotations

import functools
import hashlib
import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgit.adapters.system import state_files
from mlgit.config import NAME
from mlgit.errors import MlgitError
from mlgit.evaluation.results import Leakage
from mlgit.model_settings import Model
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision
from mlgit.tables import limits
from mlgit.tables.shared_rows import SharedRows

if TYPE_CHECKING:
    from mlgit.tables.overlap import TableFile

_FORMAT = 1
_MOST_KEPT = 200


def look(revision: Revision, models: Mapping[str, Model], *, declared: Mapping[str, Model]) -> tuple[Leakage, ...]:
    """What the training data of each model holds of its test data, as far as both are declared, here, and not too large.

    A change that takes away a path that is `declared` where the rules are from is looked at there.
    """
    kept = _Kept(revision)
    found = tuple(_of_model(revision, kept, _with_paths(model, declared.get(name))) for name, model in models.items())
    kept.save()
    return found


def _with_paths(model: Model, declared: Model | None) -> Model:
    if declared is None:
        return model
    return replace(model, train=model.train or declared.train, test=model.test or declared.test)


def _of_model(revision: Revision, kept: _Kept, model: Model) -> Leakage:
    places = ((f"models.{model.name}.train", model.train), (f"{model.where}.test", model.test))
    lacking = [place for place, paths in places if not paths]
    if lacking:
        told = " and ".join(lacking)
        return Leakage(model.address, unchecked=f"{NAME} does not declare {told}")
    try:
        found = kept.count(model)
    except MlgitError as error:
        return Leakage(model.address, unchecked=error.message)
    if not found.of:
        return Leakage(model.address, unchecked="the test data has no rows")
    return Leakage(model.address, found.either, found.rows, found.ids, found.of)


class _Kept:
    """The counts that are known, by digest, and those that come in."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._file = str(revision.project.own_folder / "overlaps")
        self._known: dict[str, Any] | None = None
        self._new: dict[str, Any] = {}

    def count(self, model: Model) -> SharedRows:
        """How many rows the training data has. Raises MlgitError where that cannot be told."""
        paths = [[posixpath.normpath(path) for path in each] for each in (model.train, model.test)]
        key = self._key(paths, model.keys)
        known = self._loaded().get(key) if key else None
        if known is None:
            train, test = (self._tables(each) for each in paths)
            _refuse_size([*train, *test])
            from mlgit.tables import overlap  # most counts are known

            found = overlap.count(train, test, keys=model.keys)
            known = [found.of, found.rows, found.ids, found.either]
            if key:
                self._new[key] = known
        return SharedRows(*known)

    def _key(self, paths: list[list[str]], keys: Sequence[str]) -> str:
        """'' where the content of a path is not known."""
        digests = [[self._revision.digest_or_none(path) for path in each] for each in paths]
        if not all(found for each in digests for found in each):
            return ""
        told = [
            [(path, found.md5) for path, found in zip(*each, strict=True) if found] for each in zip(paths, digests, strict=True)
        ]
        named = keys[0] if len(keys) == 1 else list(keys) or ""
        return hashlib.sha256(json.dumps([named, told]).encode()).hexdigest()

    def _tables(self, paths: Iterable[str]) -> list[TableFile]:
        """The files at these paths; those of a folder one by one."""
        contents = self._revision.contents
        for path in paths:
            if not recorded_paths.is_inside(path):
                raise MlgitError(f"{path}: not in the project, so it is not read")
        from mlgit.tables.overlap import TableFile

        files = [file for path in paths for file in contents.files(path)]
        return [TableFile(file, functools.partial(contents.stream, file), contents.size(file)) for file in files]

    def _loaded(self) -> dict[str, Any]:
        if self._known is None:
            note = state_files.read(self._file)
            said = json.loads(note) if note else {}  # it is sealed
            self._known = said["counts"] if said.get("format") == _FORMAT else {}
        return self._known

    def save(self) -> None:
        """Keep what is new; losing it costs time only."""
        if self._new:
            rows = list((self._loaded() | self._new).items())[-_MOST_KEPT:]
            with suppress(MlgitError):
                state_files.write(self._file, json.dumps({"format": _FORMAT, "counts": dict(rows)}).encode())


def _refuse_size(files: Iterable[TableFile]) -> None:
    """Tables that are read for seconds, all of them together."""
    if sum(each.size or 0 for each in files) > limits.OVERLAP_BYTES:
        raise limits.TooLargeError(f"training and test data have more than {limits.OVERLAP_BYTES >> 20} MiB")
