"""The project's DVC remote: objects by md5, sent from a cache and brought into one.

A remote that is a folder is read and written directly, as the cache is; any other goes through DVC.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlgit.adapters import dvc, hashing, settings
from mlgit.adapters.hashing import Content
from mlgit.adapters.settings import Settings
from mlgit.adapters.store import Cache
from mlgit.errors import MlgitError


@dataclass(frozen=True, slots=True)
class Address:
    """The name and URL of a remote; a URL that is a path is absolute."""

    name: str
    url: str

    @property
    def is_folder(self) -> bool:
        return "://" not in self.url


class Remote(Protocol):
    """Where objects are kept for others. An md5 that ends in `.dir` stands for the list and all files in it."""

    def push(self, md5s: Iterable[str]) -> None:
        """Send objects that the cache has. Raises MlgitError when one could not be sent."""

    def fetch(self, md5s: Iterable[str]) -> None:
        """Bring objects into the cache, as far as the remote has them."""

    def lacking(self, md5s: Iterable[str]) -> list[str]:
        """Those of the objects that the remote does not have, by name: their bytes are not read."""


def configured(dvc_folder: Path) -> Address:
    """The project's default remote.

    Raises MlgitError, with the command to type, when there is none, and for one whose objects have versions.
    """
    found = settings.default_remote(dvc_folder)
    if found is None:
        raise MlgitError(
            "no default DVC remote: data travels to and from the workers through it",
            "type `dvc remote add -d NAME URL` (or `dvc remote default NAME` if there is one)",
        )
    name, options = found
    if any(options.get(key) == "true" for key in ("version_aware", "worktree")):
        raise MlgitError(
            f"the DVC remote '{name}' keeps versions of files instead of objects by content",
            "use a remote without `version_aware` and `worktree`: `dvc remote add -d NAME URL`",
        )
    return Address(name, options["url"])


def connect(dvc_folder: Path, address: Address, cache: Cache) -> Remote:
    """The remote at this address, beside a cache; `dvc_folder` has the settings that DVC needs to reach it."""
    if address.is_folder:
        return FolderRemote(address.url, cache)
    return DvcRemote(dvc_folder, address.name, cache)


class FolderRemote:
    """A remote in a folder that this machine sees."""

    def __init__(self, folder: str, cache: Cache) -> None:
        self._there = Cache(Settings(cache_folder=Path(folder)))
        self._here = cache

    def push(self, md5s: Iterable[str]) -> None:
        """Copy what is missing there; the list of a folder comes after its files."""
        _copy_missing(self._here, self._there, md5s)

    def fetch(self, md5s: Iterable[str]) -> None:
        """Copy what is missing here."""
        _copy_missing(self._there, self._here, md5s)

    def lacking(self, md5s: Iterable[str]) -> list[str]:
        """Those whose file, or the file of a member, is not there."""
        return [md5 for md5 in dict.fromkeys(md5s) if not self._is_there(md5)]

    def _is_there(self, md5: str) -> bool:
        if not os.path.exists(self._there.path(md5)):
            return False
        if not md5.endswith(".dir"):
            return True
        try:
            members = hashing.parse_listing(self._there.objects.listing(md5))
        except (OSError, ValueError):
            return False
        return all(os.path.exists(self._there.path(member.md5)) for member in members)


def _copy_missing(source: Cache, target: Cache, md5s: Iterable[str]) -> None:
    for md5 in dict.fromkeys(md5s):
        for each in _with_files(source, md5):
            path = target.path(each)
            if not os.path.exists(path) and source.has(each):
                _place(path, lambda temporary, each=each: shutil.copyfile(source.path(each), temporary))  # type: ignore[misc]


def _with_files(cache: Cache, md5: str) -> list[str]:
    if not md5.endswith(".dir"):
        return [md5]
    return [*dict.fromkeys(member.md5 for member in cache.members(md5) or ()), md5]


def put(cache: Cache, md5: str, content: bytes) -> None:
    """Place an object whose bytes came from elsewhere.

    Raises MlgitError for bytes that are not what the name says.
    """
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        raise MlgitError(f"object {md5}: arrived damaged", "run again")
    if not os.path.exists(cache.path(md5)):
        _place(cache.path(md5), lambda temporary: Path(temporary).write_bytes(content))


def _place(path: str, write: Callable[[str], object]) -> None:
    folder = os.path.dirname(path)
    temporary = f"{folder}/.{secrets.token_urlsafe(12)}.tmp"
    try:
        try:
            write(temporary)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
            write(temporary)
        os.chmod(temporary, 0o444)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class DvcRemote:
    """A remote of any kind that DVC reaches."""

    def __init__(self, dvc_folder: Path, name: str, cache: Cache) -> None:
        self._objects = dvc.RemoteObjects(dvc_folder, name, cache.root)
        self._here = cache

    def push(self, md5s: Iterable[str]) -> None:
        """Let DVC send what is missing there; the lists of folders come after their files."""
        wanted = list(dict.fromkeys(md5s))
        self._objects.push(each for each in self._files(wanted) if not each.endswith(".dir"))
        self._objects.push(md5 for md5 in wanted if md5.endswith(".dir"))

    def fetch(self, md5s: Iterable[str]) -> None:
        """Let DVC bring what is missing here: first the lists of folders, which name their files."""
        wanted = list(dict.fromkeys(md5s))
        self._objects.fetch(md5 for md5 in wanted if md5.endswith(".dir"))
        self._objects.fetch(each for each in self._files(wanted) if not each.endswith(".dir"))

    def lacking(self, md5s: Iterable[str]) -> list[str]:
        """Those that DVC does not see there; the lists of folders are brought here to know their files."""
        wanted = list(dict.fromkeys(md5s))
        self._objects.fetch(md5 for md5 in wanted if md5.endswith(".dir") and not self._here.has(md5))
        parts = {md5: _with_files(self._here, md5) for md5 in wanted}
        found = self._objects.found(each for names in parts.values() for each in names)
        return [md5 for md5, names in parts.items() if not found.issuperset(names)]

    def _files(self, md5s: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(each for md5 in md5s for each in _with_files(self._here, md5)))


def bring(remote: Remote, cache: Cache, contents: Iterable[Content]) -> list[Content]:
    """Fetch what the cache lacks of these contents, in one go; returns those that are nowhere."""
    lacking = [content for content in contents if not cache.has_all(content.md5)]
    if lacking:
        remote.fetch(content.md5 for content in lacking)
    return [content for content in lacking if not cache.has_all(content.md5)]
