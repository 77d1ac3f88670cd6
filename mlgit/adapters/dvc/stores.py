"""What keeps objects by md5, for whoever sends and brings them: a folder of this machine, a remote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from mlgit.adapters.dvc.cloud_store import DamagedRemoteError


class Store(Protocol):
    """The objects of a remote, one by one, beside a cache. All verbs raise RemoteUnreachableError where it does not answer."""

    def found(self, md5s: Iterable[str]) -> set[str]:
        """Those that are there; their bytes are not read."""

    def whole(self, md5s: Iterable[str]) -> set[str]:
        """Those that are there, and as long as the object here where it is here."""

    def examine(self, sizes: Mapping[str, int | None], *, read: bool) -> dict[str, DamagedRemoteError | None]:
        """Those of the objects that are there, with what is wrong: the storage says another size (in bytes) or md5 of it.

        With `read` all bytes are read for it.
        """

    def fetch(self, md5s: Iterable[str]) -> list[str]:
        """Bring what is missing here; returns those that are gone. Raises DamagedRemoteError, with all others brought."""

    def push(self, md5s: Iterable[str]) -> None:
        """Send what is here, and there not, or not as a whole."""

    def runs(self, key: str) -> dict[str, bytes]:
        """The results that its run cache has for a key: name -> text."""

    def make(self) -> None:
        """Make the folder in which it lies, unless it is there or its kind has none."""

    def trial(self) -> AbstractContextManager[bool]:
        """Ask it, and write a file there and take it away again, before the block; False where no file can be taken away.

        A folder that was made for it goes again where the block raises.
        """
