"""Objects by md5 in a folder of this machine: the cache of a project, or the files of its runs."""

from __future__ import annotations

from typing import Protocol


class ObjectFolder(Protocol):
    """Objects by md5 in a folder of this machine, laid out as DVC's cache is."""

    @property
    def root(self) -> str:
        """The folder."""

    def path(self, md5: str) -> str:
        """Where the object with this md5 lies, or would lie."""

    def has(self, md5: str) -> bool:
        """Whether it is there."""
