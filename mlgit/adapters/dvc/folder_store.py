"""A DVC remote that is a folder of this machine: its objects are read and written as those of the cache are.

A folder that is not there has lost nothing: it may not be mounted, so that is RemoteUnreachableError.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mlgit.adapters.dvc import hashing
from mlgit.adapters.dvc.cloud_store import DamagedRemoteError, damaged_at
from mlgit.adapters.dvc.object_folder import ObjectFolder
from mlgit.adapters.dvc.remote_errors import Address, RemoteUnreachableError, unreachable
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system import disks
from mlgit.adapters.system.transfers import Progress


class FolderStore:
    """A remote in a folder that this machine sees."""

    def __init__(self, address: Address, cache: ObjectFolder, *, below: str = "") -> None:
        """`below` is a folder of the remote that has objects of its own, beside those of DVC."""
        self._address = address
        self._there = Cache(Settings(cache_folder=Path(address.url, below)))
        self._here = cache

    @contextmanager
    def trial(self) -> Iterator[bool]:
        """Write a file there and take it away again. Raises RemoteUnreachableError where that cannot be."""
        path = os.path.join(self._address.url, f".mlgit-{os.urandom(8).hex()}")
        is_new = not os.path.lexists(self._address.url)
        try:
            if is_new:
                os.mkdir(self._address.url)  # not what is above: that may be a disk that is not mounted
        except OSError as error:
            raise unreachable(self._address, error) from error
        try:
            try:
                with open(path, "xb"):
                    pass
                os.unlink(path)
            except OSError as error:
                raise unreachable(self._address, error) from error
            yield True
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            if is_new:
                with suppress(OSError):  # others have put something there meanwhile
                    os.rmdir(self._address.url)
            raise

    def found(self, md5s: Iterable[str]) -> set[str]:
        """Those whose file is there."""
        wanted = list(md5s)
        return {md5 for md5 in wanted if self._is_there(md5)} if wanted and self._asked() else set()

    def whole(self, md5s: Iterable[str]) -> set[str]:
        """Those whose file is there, as long as the object here."""
        return {md5 for md5 in self.found(md5s) if self._is_whole(md5)}

    def _is_whole(self, md5: str) -> bool:
        try:
            return not self._here.has(md5) or os.path.getsize(self._here.path(md5)) == os.path.getsize(self._there.path(md5))
        except OSError as error:
            raise self._unread(error) from error

    def examine(self, sizes: Mapping[str, int | None], *, read: bool) -> dict[str, DamagedRemoteError | None]:
        """Those whose file is there, by its size or, with `read`, by its bytes."""
        return {md5: self._fault(md5, sizes[md5], read=read) for md5 in self.found(sizes)}

    def _fault(self, md5: str, size: int | None, *, read: bool) -> DamagedRemoteError | None:
        path = self._there.path(md5)
        try:
            sound = size in (None, os.stat(path).st_size) and (not read or hashing.file_md5(path) == md5.removesuffix(".dir"))
        except OSError as error:
            raise self._unread(error) from error
        return None if sound else DamagedRemoteError(self._address, md5)

    def fetch(self, md5s: Iterable[str]) -> list[str]:
        """Copy what is missing here, and check it before it gets its name."""
        wanted = [md5 for md5 in dict.fromkeys(md5s) if not os.path.exists(self._here.path(md5))]
        gone, damaged = [], []
        with Progress(f"the DVC remote {self._address}", len(wanted)) as progress:
            for md5 in wanted if wanted and self._asked() else ():
                if not self._is_there(md5):
                    gone.append(md5)
                elif not _copy(self._there.path(md5), self._here.path(md5), md5, unread=self._unread, progress=progress):
                    damaged.append(md5)
                progress.done += 1
        if damaged:
            raise DamagedRemoteError(self._address, damaged[0])
        return gone

    def push(self, md5s: Iterable[str]) -> None:
        """Copy what is there not, or not as a whole. Raises DamagedObjectError for an object that is not what its name says."""
        wanted = list(dict.fromkeys(md5s))
        with Progress(f"the DVC remote {self._address}", len(wanted)) as progress:
            for md5 in wanted:
                if self._here.has(md5) and not (os.path.exists(self._there.path(md5)) and self._is_whole(md5)):
                    try:
                        source, target = self._here.path(md5), self._there.path(md5)
                        if not _copy(source, target, md5, unread=self._unread, progress=progress):
                            raise damaged_at(md5)
                    except OSError as error:
                        raise self._unread(error) from error
                progress.done += 1

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


def _copy(
    source: str, target: str, md5: str, *, unread: Callable[[OSError], RemoteUnreachableError], progress: Progress
) -> bool:
    """Copy an object to its name; False where its bytes are not those of its name, and then nothing is there."""

    def write(temporary: str) -> None:
        digest = hashlib.md5(usedforsecurity=False)
        with open(temporary, "wb") as copy:
            try:
                with open(source, "rb") as stream:
                    while block := stream.read(1 << 20):
                        copy.write(block)
                        digest.update(block)
                        progress.moved += len(block)
                        progress.tell()
            except OSError as error:
                raise (error if error.errno in disks.FULL else unread(error)) from error
        if digest.hexdigest() != md5.removesuffix(".dir"):
            raise _WrongBytesError

    try:
        place(target, write)
    except _WrongBytesError:
        return False
    return True


class _WrongBytesError(Exception):
    pass


def place(path: str, write: Callable[[str], object]) -> None:
    """Put an object in place in one step, once `write` has made it under another name beside it."""
    folder = os.path.dirname(path)
    temporary = f"{folder}/.{os.urandom(12).hex()}.tmp"
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
