"""The one door to child processes: programs that mlgit asks something, and the commands of stages."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from mlgit.errors import MlgitError

PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL


class Completed(NamedTuple):
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
    own_session: bool = False,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program to talk to; without `stdin` it reads from an empty file. It gets the open files `pass_fds`.

    In a session of its own it has no terminal, and neither has what it starts.
    """
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=own_session,
            pass_fds=pass_fds,
        )
    except FileNotFoundError as error:
        missing = error.filename or argv[0]
        raise MlgitError(f"cannot start `{argv[0]}`: {missing} not found", f"install {argv[0]}, or check the path") from error
    except OSError as error:
        raise MlgitError(f"cannot start `{argv[0]}`: {error.strerror}") from error


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back the signals that end this process until the block is done: what starts in it is also written down in it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spawn(program: str, argv: Sequence[str], *, folder: str, env: Mapping[bytes, bytes], output: int) -> int:
    """Start a command in a session (and process group) of its own and return its process id, to be waited for.

    It reads from an empty file; both its outputs go to the open file `output`. Raises MlgitError when it cannot start.
    The folder is changed in this process for the instant of the call, for posix_spawn has no folder of its own and is
    much faster than a fork: callers must not have threads that care for the current folder.
    """
    here = os.getcwd()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    try:
        if folder != here:
            os.chdir(folder)
        try:
            return os.posix_spawn(
                program,
                list(argv),
                env,
                file_actions=actions,
                setsid=True,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
                setsigmask=[],
            )
        finally:
            if folder != here:
                os.chdir(here)
    except OSError as error:
        raise MlgitError(f"cannot start `{program}` in {folder}: {error.strerror}", "check $SHELL and the folder") from error


def end(child: subprocess.Popen[bytes], *, grace: float) -> None:
    """End a program: ask it to, so that it ends what it has started itself, and after `grace` seconds make it."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


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
    return finish(child, argv, stdin=stdin, check=check)


def finish(child: subprocess.Popen[bytes], argv: Sequence[str], *, stdin: bytes | None = None, check: bool = True) -> Completed:
    """Wait for the end of a program that was started with pipes, and return what it said.

    Raises ProcessError for an exit code other than 0, unless `check` is False.
    """
    stdout, stderr = child.communicate(stdin)
    completed = Completed(tuple(argv), child.returncode, stdout, stderr)
    if check and completed.code != 0:
        raise ProcessError(completed)
    return completed


class Bounds(NamedTuple):
    """What a program may take that somebody else feeds: seconds, and bytes of any one file (its output too) and of memory."""

    seconds: float
    file_size: int
    memory: int = 2 << 30


class OutOfBoundsError(MlgitError):
    """A program was ended because it came to one of its bounds."""


# Set in the program itself, before it starts others, which inherit them. Memory is what it may write to (-d), not what
# it reserves (-v): credential programs reserve hundreds of gigabytes. Sizes are in blocks of 512 bytes and in KiB.
_BOUNDED = 'ulimit -c 0; ulimit -f "$1" && { ulimit -d "$2" 2>/dev/null || :; } && shift 2 && exec "$@"'


def run_bounded(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], bounds: Bounds, stdin: bytes = b"") -> Completed:
    """Run a program to its end, as far as it keeps within bounds, and return what it said; it can ask nobody anything.

    It reads `stdin` and nothing more. Raises OutOfBoundsError when it does not keep within them.
    """
    import tempfile

    wrapped = ["sh", "-c", _BOUNDED, "sh", str(bounds.file_size // 512), str(bounds.memory // 1024), *argv]
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        child = start(wrapped, cwd=cwd, env=env, stdin=given.fileno(), stdout=stdout, stderr=stderr, own_session=True)
        try:
            code = child.wait(bounds.seconds)
        except subprocess.TimeoutExpired as error:
            raise OutOfBoundsError(f"took more than {bounds.seconds:g} s") from error
        finally:
            _end_session(child)
        said = []
        for stream in (stdout, stderr):
            stream.seek(0)
            said.append(stream.read())
    if code == -signal.SIGXFSZ:
        raise OutOfBoundsError(f"more than {bounds.file_size >> 20} MiB")
    return Completed(tuple(argv), code, said[0], said[1])


def _end_session(child: subprocess.Popen[bytes]) -> None:
    """End a program that has a session of its own, and all that it started and that still runs."""
    for each in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, each)
        with suppress(subprocess.TimeoutExpired):
            child.wait(2)
