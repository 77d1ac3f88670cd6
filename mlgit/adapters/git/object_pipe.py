"""Objects by names whose meaning can change (`REF`, `REF:PATH`), from one `git cat-file --batch` that stays open."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import IO, NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.system import process
from mlgit.adapters.system.fork_lock import ForkLock
from mlgit.errors import MlgitError

# So many names fit into a pipe while Git is held up writing: asking never waits for answers that nobody reads.
_AT_A_TIME = 400


class FoundObject(NamedTuple):
    """An object as Git gives it."""

    oid: str
    kind: str
    content: bytes


class ObjectPipe:
    """Asks one process, from whatever thread, for as long as this one lives; a fork starts its own."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._child: Popen[bytes] | None = None
        self._owner = 0
        self._lock = ForkLock()

    def ask(self, names: Sequence[str]) -> list[FoundObject | None]:
        """What Git finds under each name now, None for nothing. Names hold no white space.

        Raises MlgitError where Git cannot read the repository.
        """
        if self._owner != os.getpid():  # a fork would read the answers of the process that it comes from
            self._child = None
        with self._lock:
            found: list[FoundObject | None] = []
            for start in range(0, len(names), _AT_A_TIME):
                found += self._ask(names[start : start + _AT_A_TIME])
            return found

    def _ask(self, names: Sequence[str]) -> list[FoundObject | None]:
        child = self._running()
        assert child.stdin
        assert child.stdout
        try:
            child.stdin.write("".join(f"{name}\n" for name in names).encode())
            child.stdin.flush()
            return [read_answer(child.stdout) for _ in names]
        except (BrokenPipeError, EOFError) as error:
            self._close()
            git.run(self._root, "rev-parse", "--git-dir")  # says in Git's own words why it does not work here
            hint = "`git fsck` says what is damaged in this clone"
            raise MlgitError(f"{self._root}: Git ended while it was reading objects", hint) from error
        except BaseException:
            self._close()  # answers that nobody read would be taken for those to the next question
            raise

    def _running(self) -> Popen[bytes]:
        if self._child is None:
            argv = ["git", "cat-file", "--batch"]
            pipe, env = process.PIPE, git.environment(self._root)
            self._child = process.start(argv, cwd=self._root, env=env, stdin=pipe, stdout=pipe, stderr=process.DEVNULL)
            self._owner = os.getpid()
            self._finalize = weakref.finalize(self, end, self._child, self._owner)
        return self._child

    def _close(self) -> None:
        if self._child is not None:
            self._finalize()
            self._child = None


def read_answer(stream: IO[bytes]) -> FoundObject | None:
    """The next object that `git cat-file --batch` gives, None for a missing one. Raises EOFError where Git ended."""
    head = stream.readline().split()
    if not head:
        raise EOFError
    if head[-1] in (b"missing", b"ambiguous"):
        return None
    size = int(head[2])
    content = stream.read(size + 1)
    if len(content) != size + 1:
        raise EOFError
    return FoundObject(head[0].decode(), head[1].decode(), content[:-1])


def end(child: Popen[bytes], owner: int) -> None:
    """End Git at once: a fork of this process may hold its input open. A fork has nothing to end."""
    if os.getpid() != owner:
        return
    assert child.stdin
    assert child.stdout
    child.kill()
    child.wait()
    child.stdout.close()
    with suppress(BrokenPipeError):
        child.stdin.close()
