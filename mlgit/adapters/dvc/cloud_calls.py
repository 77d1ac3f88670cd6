"""What is asked of a storage at one path through DVC's file systems: each a call to make with others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from mlgit.adapters.dvc.remote_errors import is_gone
from mlgit.adapters.system.transfers import Tick


def ask(remote: Any, path: str) -> Callable[[Tick], Mapping[str, Any] | None]:
    """What it says of a file, or a folder; None where it says that there is none."""

    def call(tick: Tick) -> Mapping[str, Any] | None:
        try:
            return dict(remote.info(path))
        except FileNotFoundError as error:
            if is_gone(error):
                return None
            raise

    return call


def digest(remote: Any, path: str) -> Callable[[Tick], str]:
    """The md5 of the bytes of a file."""

    def call(tick: Tick) -> str:
        found = hashlib.md5(usedforsecurity=False)
        with remote.open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                found.update(block)
                tick(len(block))
        return found.hexdigest()

    return call


def read(remote: Any, path: str) -> Callable[[Tick], bytes]:
    """The bytes of a file."""

    def call(tick: Tick) -> bytes:
        with remote.open(path, "rb") as stream:
            return bytes(stream.read())

    return call


def listing(remote: Any, path: str) -> Callable[[Tick], dict[str, object]]:
    """The names in a folder, with the sizes that the storage tells."""

    def call(tick: Tick) -> dict[str, object]:
        try:
            return {str(each["name"]).rpartition("/")[2]: each.get("size") for each in remote.ls(path, detail=True)}
        except FileNotFoundError as error:
            if is_gone(error):
                return {}
            raise

    return call
