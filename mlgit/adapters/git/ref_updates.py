"""Moves of refs, in whatever form a repository keeps them, by one `git update-ref` that stays open."""

from __future__ import annotations

import os
import re
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.system import process
from mlgit.adapters.system.fork_lock import ForkLock
from mlgit.errors import MlgitError

_PATIENCE, _PAUSE = 3.0, 0.05
_LONG_AGO = 60.0  # seconds: Git holds a lock for a few milliseconds
_LOCK = re.compile(r"Unable to create '(.+\.lock)': File exists")


class RefMove(NamedTuple):
    """A ref, where it goes ('' for away), and where it was ('' for nowhere, None where that does not matter)."""

    ref: str
    to: str
    expected: str | None


class RefMovedError(MlgitError):
    """A ref is no more where it was: another process wrote it first."""


class _BusyRefError(MlgitError):
    """Another Git holds the lock of a ref, or held it when it was killed."""

    def __init__(self, told: str, lock: str) -> None:
        super().__init__(
            f"refs cannot be written: {told}",
            "a Git command at work holds a lock for a moment; one that was killed leaves it behind: then remove it",
        )
        self.lock = lock


def _is_stale(lock: str) -> bool:
    """Whether a lock of one of mlgit's own refs is so old that nobody can be at work with it."""
    try:
        return "/refs/mlgit/" in lock and time.time() - os.stat(lock).st_mtime > _LONG_AGO
    except OSError:
        return False


class RefUpdates:
    """Moves refs of one repository from whatever thread; all moves of a call happen, or none.

    A fork starts a process of its own.
    """

    def __init__(self, root: Path, *, nothing: str, reason: str) -> None:
        self._root, self._nothing, self._reason = root, nothing, reason
        self._child: Popen[bytes] | None = None
        self._owner = 0
        self._lock = ForkLock()

    def move(self, moves: Sequence[RefMove]) -> None:
        """Move refs, all or none.

        A lock that another Git holds is waited for; one of mlgit's own refs that was left behind by a kill is taken away.
        Raises RefMovedError where one was not where it is expected, MlgitError in Git's words for any other reason.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._move(moves)
            except _BusyRefError as error:
                if not _is_stale(error.lock):
                    if time.monotonic() > end:
                        raise
                    time.sleep(_PAUSE)
                    continue
                with suppress(OSError):
                    os.unlink(error.lock)

    def _move(self, moves: Sequence[RefMove]) -> None:
        if self._owner != os.getpid():
            self._child = None
        text = "start\n" + "".join(map(self._line, moves)) + "commit\n"
        with self._lock:
            child = self._running()
            assert child.stdin
            assert child.stdout
            try:
                child.stdin.write(text.encode())
                child.stdin.flush()
                answers = [child.stdout.readline(), child.stdout.readline()]
            except BrokenPipeError:
                answers = []
            except BaseException:
                self._close()
                raise
            if answers != [b"start: ok\n", b"commit: ok\n"]:
                raise self._refused(child, moves)

    def _line(self, move: RefMove) -> str:
        before = "" if move.expected is None else f" {move.expected or self._nothing}"
        if not move.to:
            return f"delete {move.ref}{before}\n"
        return f"update {move.ref} {move.to}{before}\n"

    def _refused(self, child: Popen[bytes], moves: Sequence[RefMove]) -> MlgitError:
        """Git ends at the first line that it cannot follow, and says why."""
        assert child.stdin
        assert child.stderr
        with suppress(BrokenPipeError):
            child.stdin.close()
        said = child.stderr.read().decode(errors="replace").strip()
        self._close()
        now = git.run(self._root, "for-each-ref", "--format=%(refname) %(objectname)", *(each.ref for each in moves[:100])).text
        here = dict(row.split() for row in now.splitlines())
        for each in moves[:100]:
            if each.expected is not None and here.get(each.ref, "") != each.expected:
                return RefMovedError(f"{each.ref}: another process wrote it first", "try again")
        told = said.splitlines()[-1].removeprefix("fatal: ") if said else "Git gave no reason"
        lock = _LOCK.search(said)
        if lock:
            return _BusyRefError(told, lock[1])
        return MlgitError(f"refs cannot be written: {told}")

    def _running(self) -> Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._close()
            argv = ["git", "update-ref", "-m", self._reason, "--stdin"]
            pipe, env = process.PIPE, git.environment(self._root)
            self._child = process.start(argv, cwd=self._root, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
            self._owner = os.getpid()
            self._finalize = weakref.finalize(self, _end, self._child, self._owner)
        return self._child

    def _close(self) -> None:
        if self._child is not None:
            self._finalize()
            self._child = None


def _end(child: Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:
        return
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        with suppress(BrokenPipeError):
            if stream:
                stream.close()
