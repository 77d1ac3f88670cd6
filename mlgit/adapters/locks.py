"""Locks between processes: mlgit's own run lock, DVC's repository lock, and DVC's table of busy paths (`rwlock`).

DVC guards both its files with `flock` (through zc.lockfile), so a flock on the same file is respected by it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlgit.adapters import files
from mlgit.errors import MlgitError


@contextmanager
def held(path: Path, *, timeout: float, busy: str, note: str = "") -> Iterator[None]:
    """Hold an exclusive flock on a file (made if missing) that says who holds it.

    Raises MlgitError with `busy` and the holder's note when it is not free within `timeout` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as stream:
        deadline = time.monotonic() + timeout
        while not _try_lock(stream.fileno()):
            if time.monotonic() >= deadline:
                stream.seek(0)
                holder = stream.read().strip()
                raise MlgitError(f"{busy}{f': {holder}' if holder else ''}", "wait until it has ended, or end it")
            time.sleep(0.02)
        stream.seek(0)
        stream.truncate()
        stream.write(note or f" {os.getpid()}\n")
        stream.flush()
        try:
            yield
        finally:
            fcntl.flock(stream.fileno(), fcntl.LOCK_UN)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass(slots=True)
class BusyPaths:
    """This process's entries in DVC's rwlock: what its running stages read and write (absolute paths)."""

    folder: Path
    command: str = "mlgit run"
    _mine: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)

    def change(self, *, enter: Iterable[tuple[str, Iterable[str], Iterable[str]]] = (), leave: Iterable[str] = ()) -> None:
        """Enter stages as (name, paths read, paths written), and take others out, in one write of the table.

        Raises MlgitError when another living process uses one of the paths to enter.
        """
        entering = {name: (tuple(read), tuple(written)) for name, read, written in enter}
        with self._table() as table:
            for read, written in entering.values():
                _refuse_blocked(table["write"], [*read, *written])
                _refuse_blocked(table["read"], written)
            for name in leave:
                self._mine.pop(name, None)
            self._mine.update(entering)
            self._rewrite(table)

    def _rewrite(self, table: dict[str, dict[str, Any]]) -> None:
        me = {"pid": os.getpid(), "cmd": self.command}
        table["write"] = {path: info for path, info in table["write"].items() if info != me}
        readers = {path: [info for info in infos if info != me] for path, infos in table["read"].items()}
        table["read"] = {path: infos for path, infos in readers.items() if infos}
        for read, written in self._mine.values():
            for path in read:
                infos = table["read"].setdefault(path, [])
                if me not in infos:
                    infos.append(me)
            table["write"].update(dict.fromkeys(written, me))

    @contextmanager
    def _table(self) -> Iterator[dict[str, dict[str, Any]]]:
        path = self.folder / "rwlock"
        with held(self.folder / "rwlock.lock", timeout=10, busy="DVC's table of busy paths is locked"):
            try:
                table = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                table = {}
            except ValueError as error:
                raise MlgitError(f"{path}: not JSON", "if no DVC process is running, remove the file") from error
            table = {"write": table.get("write", {}), "read": table.get("read", {})}
            yield table
            files.write_atomic(path, json.dumps(table))


def _refuse_blocked(busy: dict[str, Any], wanted: Sequence[str]) -> None:
    if not busy:
        return
    for path, infos in list(busy.items()):
        living = [info for info in (infos if isinstance(infos, list) else [infos]) if is_alive(int(info["pid"]))]
        others = [info for info in living if int(info["pid"]) != os.getpid()]
        if others and any(_overlap(path, each) for each in wanted):
            raise MlgitError(
                f"'{path}' is in use by `{others[0]['cmd']}` (process {others[0]['pid']})", "wait until that process has ended"
            )
        if not living:
            del busy[path]


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
