"""Brings a model's bytes by their digests: from DVC's cache, the commit, or DVC's remote. Nothing is loaded."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlgit.adapters.dvc import remote
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.dvc.store import DamagedObjectError
from mlgit.adapters.modelscan import modelfile
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.pipeline.sources import CommitFiles
from mlgit.registry.facts import ModelFile
from mlgit.revision.revision import Revision

Place = Literal["cache", "git", "remote", "there"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where the bytes lie now, what they are, and where they came from (`there`: they lay there before)."""

    path: Path
    md5: str
    sha256: str
    size: int
    place: Place


def deliver(revision: Revision, model: ModelFile, target: Path, *, force: bool = False) -> Delivered:
    """Put a model's bytes at `target`, replacing what lies there only with `force`; `revision` is the version's.

    md5 and (where recorded) sha256 are checked before anything appears there.
    Raises MlgitError when the bytes cannot be had, are not those recorded, or something else lies there.
    """
    target = target.absolute()
    if os.path.lexists(target):
        if (target.is_file() or target.is_dir()) and (found := _same(target, model)):
            return Delivered(target, *found, "there")
        if not force:
            raise MlgitError(
                f"{target}: exists with different content", "name another place with -o, or replace it with --force"
            )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MlgitError(f"{target.parent}: cannot be made: {error.strerror}") from error
    temporary = target.parent / f".{target.name[:50]}.{secrets.token_hex(6)}.tmp"
    try:
        place = _fetch(revision, model, temporary)
        found = _same(temporary, model)
        if found is None:
            raise MlgitError(f"{model.path}: the bytes are not those that the version records", "`mlgit doctor --deep`")
        _replace(temporary, target)
    except OSError as error:
        raise MlgitError(f"{target}: cannot be written: {error.strerror}", "name another place with -o") from error
    finally:
        with suppress(OSError):
            files.remove(temporary)
    return Delivered(target, *found, place)


def _same(path: Path, model: ModelFile) -> tuple[str, str, int] | None:
    """What lies at a path, if it has the digests of the model."""
    found = modelfile.identify(path)
    return found if found[0] == model.md5 and model.sha256 in ("", found[1]) else None


def _fetch(revision: Revision, model: ModelFile, target: Path) -> Place:
    cache = revision.cache
    content = Content(model.md5, model.size or 0, -1 if model.md5.endswith(".dir") else None)
    if cache.has_all(model.md5):
        with suppress(DamagedObjectError):  # it is removed, so that it can be fetched
            cache.checkout(content, str(target), as_copy=True)
            return "cache"
        files.remove(target)
    if isinstance(revision.files, CommitFiles) and _from_git(revision.files, model, target):
        return "git"
    there = remote.connect(revision.project.dvc_folder, cache, routes=revision.routes([(model.path, model.md5)]))
    if there is None:
        raise MlgitError(
            f"{model.path}: not in the cache, and there is no default DVC remote to fetch it from",
            "type `mlgit remote add -d NAME URL`, or fetch it with `dvc fetch` where it was made",
        )
    if remote.bring(there, cache, [content]):
        asked = " or ".join(there.asked_for(model.md5))
        raise MlgitError(
            f"{model.path}: neither in the cache nor in the DVC remote {asked}", "`mlgit push` where the model was made"
        )
    cache.checkout(content, str(target), as_copy=True)
    return "remote"


def _from_git(source: CommitFiles, model: ModelFile, target: Path) -> bool:
    """Write what the commit itself holds at the model's path; False where it holds nothing there."""
    names = [model.path] if source.size(model.path) is not None else source.below(model.path)
    source.fetch(names)
    for name in names:
        place = target / name[len(model.path) + 1 :] if name != model.path else target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(source.content(name) or b"")
    return bool(names)


def _replace(temporary: Path, target: Path) -> None:
    if not target.is_dir() or target.is_symlink():
        if temporary.is_dir() and os.path.lexists(target):
            target.unlink()
        os.replace(temporary, target)
        return
    aside = target.parent / f".{target.name[:50]}.{secrets.token_hex(6)}.old"
    os.replace(target, aside)
    os.replace(temporary, target)
    files.remove(aside)
