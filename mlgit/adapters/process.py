"""The one door to child processes."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mlgit.errors import MlgitError

PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that ended: its command, exit code and output."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "surrogateescape")


class ProcessError(MlgitError):
    """A program that mlgit called ended with a code other than 0."""

    def __init__(self, completed: Completed) -> None:
        self.completed = completed
        said = completed.stderr.decode("utf-8", "replace").strip() or completed.text.strip()
        super().__init__(f"`{shlex.join(completed.argv)}` ended with code {completed.code}\n{said}".rstrip())


def start(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    own_group: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process; every process of mlgit starts here.

    Without `stdin` the child reads from an empty file. `own_group` puts it into a process group (and session)
    of its own, so that it can be ended together with what it started.
    """
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=own_group,
        )
    except FileNotFoundError as error:
        missing = error.filename or argv[0]
        raise MlgitError(f"cannot start `{argv[0]}`: {missing} not found", f"install {argv[0]}, or check the path") from error
    except OSError as error:
        raise MlgitError(f"cannot start `{argv[0]}`: {error.strerror}") from error


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    check: bool = True,
) -> Completed:
    """Run a program to its end and return what it said.

    Raises ProcessError for an exit code other than 0, unless `check` is False.
    """
    child = start(
        argv,
        cwd=cwd,
        env=env,
        stdin=None if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    stdout, stderr = child.communicate(stdin)
    completed = Completed(tuple(argv), child.returncode, stdout, stderr)
    if check and completed.code != 0:
        raise ProcessError(completed)
    return completed
