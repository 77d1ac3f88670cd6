"""The project's DVC remotes: objects by md5, sent from a cache and brought into one.

A remote that is a folder is read and written directly, as the cache is; any other goes through DVC. Each answer is one of
three: here, gone, or could not be asked (RemoteUnreachableError), and nothing is taken for gone that was not asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from mlgit.adapters import cloud, disks, hashing, settings
from mlgit.adapters.cloud import DamagedRemoteError
from mlgit.adapters.hashing import Content
from mlgit.adapters.settings import Settings
from mlgit.adapters.store import Cache
from mlgit.adapters.unreachable import Address, RemoteUnreachableError, unreachable
from mlgit.errors import MlgitError

__all__ = ["Address", "DamagedRemoteError", "Remote", "RemoteUnreachableError", "bring", "configured", "connect", "put"]


_RUN = re.compile("[0-9a-f]{64}")
_NOBODYS = "0" * 32  # no content has this md5 that anybody knows


class Store(Protocol):
    """The objects of a remote, one by one, beside a cache. All verbs raise RemoteUnreachableError where it does not answer."""

    def found(self, md5s: Iterable[str]) -> set[str]:
        """Those that are there; their bytes are not read."""

    def fetch(self, md5s: Iterable[str]) -> list[str]:
        """Bring what is missing here; returns those that are gone. Raises DamagedRemoteError, with all others brought."""

    def push(self, md5s: Iterable[str]) -> None:
        """Send what is here and missing there."""

    def runs(self, key: str) -> dict[str, bytes]:
        """The results that its run cache has for a key: name -> text."""


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
    return Remote(FolderStore(address, cache) if address.is_folder else cloud.CloudStore(dvc_folder, address, cache), cache)


class Remote:
    """Where objects are kept for others, beside a cache. An md5 that ends in `.dir` stands for a list and all files in it.

    All verbs raise RemoteUnreachableError where the remote does not answer.
    """

    def __init__(self, store: Store, cache: Cache) -> None:
        self._store = store
        self._here = cache

    def establish(self) -> None:
        """Make the folder of a remote that is one: a machine on which it is missing then has not mounted it."""
        if isinstance(self._store, FolderStore):
            self._store.make()

    def probe(self) -> None:
        """Ask for what no remote has: raises RemoteUnreachableError where it does not answer."""
        self._store.found([_NOBODYS])

    def push(self, md5s: Iterable[str]) -> None:
        """Send what is missing there of the objects that the cache has; the lists of folders come after their files."""
        wanted = list(dict.fromkeys(md5s))
        self._store.push(each for each in self._parts(wanted) if not each.endswith(".dir"))
        self._store.push(md5 for md5 in wanted if md5.endswith(".dir"))

    def fetch(self, md5s: Iterable[str]) -> None:
        """Bring objects into the cache, as far as the remote has them: first the lists of folders, which name their files.

        Raises DamagedRemoteError, with all others brought.
        """
        wanted = list(dict.fromkeys(md5s))
        self._store.fetch(md5 for md5 in wanted if md5.endswith(".dir"))
        self._store.fetch(each for each in self._parts(wanted) if not each.endswith(".dir"))

    def lacking(self, md5s: Iterable[str]) -> list[str]:
        """Those of the objects that the remote does not have; only the lists of folders are read."""
        wanted = list(dict.fromkeys(md5s))
        self._store.fetch(md5 for md5 in wanted if md5.endswith(".dir") and not self._here.has(md5))
        parts = {md5: _with_files(self._here, md5) for md5 in wanted if not self._is_unlisted(md5)}
        found = self._store.found(each for names in parts.values() for each in names)
        return [md5 for md5 in wanted if md5 not in parts or not found.issuperset(parts[md5])]

    def runs(self, key: str) -> dict[str, bytes]:
        """The results that the remote's run cache has for a key: name -> text; what is named otherwise is none."""
        return {name: text for name, text in self._store.runs(key).items() if _RUN.fullmatch(name)}

    def _is_unlisted(self, md5: str) -> bool:
        """Whether it is a folder whose files nobody can name: its list did not come, or is none."""
        return md5.endswith(".dir") and self._here.members(md5) is None

    def _parts(self, md5s: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(each for md5 in md5s for each in _with_files(self._here, md5)))


class FolderStore:
    """A remote in a folder that this machine sees."""

    def __init__(self, address: Address, cache: Cache) -> None:
        self._address = address
        self._there = Cache(Settings(cache_folder=Path(address.url)))
        self._here = cache

    def found(self, md5s: Iterable[str]) -> set[str]:
        """Those whose file is there."""
        wanted = list(md5s)
        return {md5 for md5 in wanted if self._is_there(md5)} if wanted and self._asked() else set()

    def fetch(self, md5s: Iterable[str]) -> list[str]:
        """Copy what is missing here, and check it before it gets its name."""
        wanted = [md5 for md5 in dict.fromkeys(md5s) if not os.path.exists(self._here.path(md5))]
        gone, damaged = [], []
        for md5 in wanted if wanted and self._asked() else ():
            if not self._is_there(md5):
                gone.append(md5)
            elif not _copy(self._there.path(md5), self._here.path(md5), md5, unread=self._unread):
                damaged.append(md5)
        if damaged:
            raise DamagedRemoteError(self._address, damaged[0])
        return gone

    def push(self, md5s: Iterable[str]) -> None:
        """Copy what is missing there."""
        for md5 in dict.fromkeys(md5s):
            if self._here.has(md5) and not os.path.exists(self._there.path(md5)):
                try:
                    _copy(self._here.path(md5), self._there.path(md5), md5, unread=self._unread)
                except OSError as error:
                    raise self._unread(error) from error

    def make(self) -> None:
        """Make the folder, unless it is there."""
        try:
            os.makedirs(self._address.url, exist_ok=True)
        except OSError as error:
            raise self._unread(error) from error

    def runs(self, key: str) -> dict[str, bytes]:
        """The files in the key's folder."""
        folder = Path(self._address.url, "runs", key[:2], key)
        try:
            return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if self._asked() else {}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise self._unread(error) from error

    def _asked(self) -> bool:
        """True where the folder is there. Raises RemoteUnreachableError: what is not mounted has lost nothing."""
        try:
            os.stat(self._address.url)
        except OSError as error:
            raise self._unread(error) from error
        return True

    def _is_there(self, md5: str) -> bool:
        try:
            os.stat(self._there.path(md5))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._unread(error) from error
        return True

    def _unread(self, error: OSError) -> RemoteUnreachableError:
        return unreachable(self._address, OSError(error.errno, f"{error.strerror}: {error.filename or self._address.url}"))


def _copy(source: str, target: str, md5: str, *, unread: Callable[[OSError], RemoteUnreachableError]) -> bool:
    """Copy an object to its name; False where its bytes are not those of its name, and then nothing is there."""

    def write(temporary: str) -> None:
        with open(temporary, "wb") as copy:
            try:
                with open(source, "rb") as stream:
                    shutil.copyfileobj(stream, copy, 1 << 20)
            except OSError as error:
                raise (error if error.errno in disks.FULL else unread(error)) from error
        if hashing.file_md5(temporary) != md5.removesuffix(".dir"):
            raise _WrongBytesError

    try:
        _place(target, write)
    except _WrongBytesError:
        return False
    return True


class _WrongBytesError(Exception):
    pass


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


def bring(remote: Remote, cache: Cache, contents: Iterable[Content]) -> list[Content]:
    """Fetch what the cache lacks of these contents, in one go; returns those that are nowhere."""
    lacking = [content for content in contents if not cache.has_all(content.md5)]
    if lacking:
        remote.fetch(content.md5 for content in lacking)
    return [content for content in lacking if not cache.has_all(content.md5)]
