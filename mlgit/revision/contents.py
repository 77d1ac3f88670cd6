"""What the paths of a commit or of the workspace hold: what lies there, else what is recorded, with bytes from the cache."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Collection, Mapping
from contextlib import suppress
from itertools import starmap
from pathlib import Path
from typing import Any, BinaryIO

from mlgit.adapters.dvc import hashing, internals
from mlgit.adapters.dvc.hashing import Content, Fingerprints, Member
from mlgit.adapters.dvc.objects import file_md5
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.formats import documents
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.pipeline import sources
from mlgit.pipeline.sources import CommitFiles, Source, WorkspaceFiles

LARGEST_BLOB = 200 << 20
LARGEST_DOCUMENT = 20 << 20


def fingerprints_of(source: Source, own_folder: Path) -> Fingerprints | None:
    """What is kept of the workspace's files, in mlgit's own folder; None for a commit, whose files never change."""
    if isinstance(source, CommitFiles):
        return None
    has_patterns = sources.has_ignore_patterns(source.root, source.folders)
    ignored = internals.ignore_filter(source.root) if has_patterns else None
    return Fingerprints(source.root, own_folder, ignored=ignored)


class Contents:
    """The contents of one side; `recorded` is what locks and .dvc files tell of outputs by path.

    `uncached` are those that DVC leaves to Git: in the workspace, one that does not lie there is gone. `absent` are the
    others asked for that do not lie there. With `fingerprints` the side is the workspace.
    """

    def __init__(
        self,
        source: WorkspaceFiles | CommitFiles,
        *,
        cache: Cache,
        recorded: Mapping[str, Content],
        uncached: Collection[str] = (),
        fingerprints: Fingerprints | None = None,
    ) -> None:
        self.absent: dict[str, None] = {}
        self._source = source
        self._cache = cache
        self._cached = {path: content for path, content in recorded.items() if path not in uncached}
        self._recorded = self._cached if fingerprints else recorded
        self._fingerprints = fingerprints
        self._lying: dict[str, Content | None] = {}
        self._documents: dict[str, Any] = {}

    def digest(self, path: str, *, read_by: Content | None = None) -> Content | None:
        """The digest of a file or folder; None where nothing lies and nothing is recorded.

        A file in a recorded folder is known by the list of the folder, if that is in the cache.
        `read_by` is what the lock of a stage that reads the path says: the last resort for a commit, where Git knows
        no files that are ignored.
        Raises MlgitError for what is neither a file nor a folder.
        """
        if found := self.known(path):
            return found
        return None if self._fingerprints else read_by or self._of_folder(path)

    def known(self, path: str) -> Content | None:
        """The digest of what lies at a path or is recorded of it, whoever reads it. Raises as `digest` does."""
        lies = self._lies(path)
        if lies is None and path in self._recorded:
            self.absent[path] = None
        return lies or self._recorded.get(path) or self._inside(path)

    def _inside(self, path: str) -> Content | None:
        """What is recorded of a file in a recorded folder, if the list of the folder is in the cache."""
        with suppress(MlgitError):
            return self.recorded(path)
        return None

    def _lies(self, path: str) -> Content | None:
        if path not in self._lying:
            self._lying[path] = self._fingerprints.digest(path) if self._fingerprints else self._in_git(path)
        return self._lying[path]

    def _in_git(self, path: str) -> Content | None:
        assert isinstance(self._source, CommitFiles)
        return self._source.digest(path) if (self._source.size(path) or 0) <= LARGEST_BLOB else None

    def _of_folder(self, path: str) -> Content | None:
        """The digest of a folder of files of Git and of outputs: that of the same folder in a workspace that has all."""
        contents = {each.removeprefix(f"{path}/"): self._in_git(each) for each in self._source.below(path)}
        outputs = {
            each.removeprefix(f"{path}/"): content for each, content in self._cached.items() if each.startswith(f"{path}/")
        }
        known = {name: content for name, content in contents.items() if content is not None}
        if not (known or outputs) or len(known) < len(contents):
            return None
        md5s = {name: content.md5 for name, content in known.items()}
        for name, content in outputs.items():
            md5s |= self._below(f"{path}/{name}", name, content)
        md5 = hashlib.md5(hashing.listing(starmap(Member, md5s.items())), usedforsecurity=False).hexdigest()
        sizes = [content.size for content in (*known.values(), *outputs.values())]
        return Content(f"{md5}.dir", -1 if min(sizes) < 0 else sum(sizes), len(md5s))

    def _below(self, path: str, name: str, content: Content) -> dict[str, str]:
        """The md5s of an output by name, of a folder those of its files; its own, where nobody has their list."""
        if content.nfiles is not None:
            with suppress(MlgitError):
                return {f"{name}/{each}": md5 for each, md5 in self._members(path, content).items()}
        return {name: content.md5}

    def recorded(self, path: str) -> Content | None:
        """What is recorded of an output, or of a file inside a recorded folder (its size is -1 where it is not known).

        Raises MlgitError for a recorded folder whose list of files is not in the cache.
        """
        if path in self._recorded:
            return self._recorded[path]
        md5 = self._recorded_md5(path)
        if md5 is None:
            return None
        try:
            return Content(md5, os.stat(self._cache.lying(md5)).st_size)
        except OSError:
            return Content(md5, -1)

    def files(self, path: str) -> list[str]:
        """The files below a folder, those that lie there and those that are recorded, or the path itself when it is no folder.

        Raises MlgitError for a recorded folder whose list of files is not in the cache.
        """
        if self._source.size(path) is not None:
            return [path]
        below = dict.fromkeys(self._source.below(path))
        folder = self._cached.get(path)
        # a folder that lies here is what it is now: it may have been changed since it was recorded
        if folder is not None and folder.nfiles is not None and not below:
            below |= dict.fromkeys(f"{path}/{name}" for name in self._members(path, folder))
        for each, content in self._cached.items():
            if each.startswith(f"{path}/") and not any(name == each or name.startswith(f"{each}/") for name in below):
                is_folder = content.nfiles is not None
                below |= dict.fromkeys(f"{each}/{name}" for name in self._members(each, content)) if is_folder else {each: None}
        return list(below) or [path]

    def twice(self, path: str) -> str:
        """The first file at a path, or below it, that a commit has in Git and DVC would put there too, '' for none.

        Which of both a checkout leaves there depends on who comes last.
        """
        if self._fingerprints:
            return ""
        for each, content in self._cached.items():
            is_near = each == path or each.startswith(f"{path}/") or path.startswith(f"{each}/")
            if is_near and (self._source.size(each) is not None or (content.nfiles is not None and self._source.below(each))):
                return each
        return ""

    def size(self, path: str) -> int | None:
        """The bytes of a file as it lies, else as it is in the cache; None where there is none.

        Raises MlgitError for a recorded folder whose list of files is not in the cache.
        """
        lying = self._source.size(path)
        known = self.recorded(path) if lying is None else None
        return lying if known is None or known.nfiles is not None else max(0, known.size)

    def is_folder(self, path: str) -> bool:
        """Whether a folder lies there, or is recorded."""
        known = self._recorded.get(path)
        return bool(self._source.below(path)) or (known is not None and known.nfiles is not None)

    def stream(self, path: str) -> BinaryIO | None:
        """The bytes of a file, or None where there is none.

        Raises MlgitError for content that is recorded and not in the cache.
        """
        if self._source.size(path) is not None:
            return self._source.stream(path)
        md5 = self._recorded_md5(path)
        if md5 is None:
            return None
        try:
            return open(self._cache.lying(md5), "rb")
        except OSError as error:
            raise self._not_in_cache(path) from error

    def place(self, path: str) -> str | None:
        """Where the bytes of a file lie on this machine; None where Git alone has them, or nobody.

        Raises MlgitError for content that is recorded and not in the cache, or damaged there.
        """
        if self._source.size(path) is not None:
            return str(self._source.root / path) if isinstance(self._source, WorkspaceFiles) else None
        md5 = self._recorded_md5(path)
        if md5 is None:
            return None
        lying = self._cache.lying(md5)
        if not os.path.exists(lying):
            raise self._not_in_cache(path)
        # the md5 of DVC 2 passes over line ends, and so says nothing of the bytes
        if lying == self._cache.path(md5) and file_md5(lying) != md5:
            raise self._damaged(path, md5)
        return lying

    def _recorded_md5(self, path: str) -> str | None:
        if path in self._cached:
            return self._cached[path].md5
        for end in (end for end, char in enumerate(path) if char == "/"):
            folder = self._cached.get(path[:end])
            if folder is not None and folder.nfiles is not None:
                return self._members(path[:end], folder).get(path[end + 1 :])
        return None

    def _members(self, path: str, folder: Content) -> dict[str, str]:
        try:
            listing = self._cache.objects.listing(folder.md5)
            return {member.path: member.md5 for member in hashing.parse_listing(listing)}
        except OSError as error:
            raise self._not_in_cache(path) from error
        except ValueError as error:
            raise self._damaged(path, folder.md5) from error

    def members(self, path: str) -> Mapping[str, str] | None:
        """The md5s of a folder's files, by their names in it; None where nobody has the list."""
        if self._fingerprints and self._lies(path) is not None:
            return {member.path: member.md5 for member in self._fingerprints.members(path)}
        folder = self._cached.get(path)
        try:
            return self._members(path, folder) if folder is not None and folder.nfiles is not None else None
        except MlgitError:
            return None

    def _not_in_cache(self, path: str) -> MlgitError:
        command = "dvc pull" if self._fingerprints else "dvc fetch --all-commits"
        return MlgitError(f"{path}: not in the cache", f"--pull fetches it, as does `{command} {shlex.quote(path)}`")

    def document(self, path: str) -> Any:
        """The parsed content of a file, by its ending; None where there is no file.

        Raises MlgitError for content that cannot be had or read.
        """
        if path not in self._documents:
            self._documents[path] = self._parse(path)
        return self._documents[path]

    def _parse(self, path: str) -> Any:
        content = self.read(path, most=LARGEST_DOCUMENT)
        return None if content is None else documents.parse(files.decode(content, name=path), name=path)

    def read(self, path: str, *, most: int) -> bytes | None:
        """All bytes of a file, checked against what is recorded where they come from the cache; None for no file.

        Raises MlgitError for more than `most` bytes, and for content that is not in the cache or damaged there.
        """
        stream = self.stream(path)
        if stream is None:
            return None
        with stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise MlgitError(f"{path}: larger than {most >> 20} MiB")
        if self._source.size(path) is None:
            self._check(content, path)
        return content

    def _check(self, content: bytes, path: str) -> None:
        md5 = self._recorded_md5(path)
        if md5 is not None and self._cache.lying(md5) != self._cache.path(md5):
            content = content.replace(b"\r\n", b"\n")  # the md5 of DVC 2 passes over line ends
        if md5 is not None and hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            raise self._damaged(path, md5)

    def _damaged(self, path: str, md5: str) -> MlgitError:
        hint = f"remove {self._cache.lying(md5)} and type `dvc fetch {shlex.quote(path)}`"
        return MlgitError(f"{path}: damaged in the cache", hint)
