"""What the scheduler asks of a place where commands run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol


class Job(NamedTuple):
    """The commands of one stage, one shell each, to be run one after the other until one fails.

    `env` is added to the environment of the place it runs in. `timeout` is in seconds, for all commands together;
    `resources` are what the job takes while it runs.
    """

    name: str
    commands: tuple[str, ...]
    folder: Path
    env: Mapping[str, str] = MappingProxyType({})
    log: Path = Path()
    timeout: float | None = None
    resources: Mapping[str, float] = MappingProxyType({})


class RemoteResult(NamedTuple):
    """What a job that ran in another place read and wrote there, by path from the project's root.

    A content is (md5, bytes, number of files or None for a file, executable or not), None where nothing lies. `files` are
    the bytes of outputs that DVC does not cache: path inside the output ('' for a file) -> bytes, executable or not.
    `problem` (message, hint) is what was wrong beside the commands; with `may_pass` it lay with neither them nor the project,
    and another time may do.
    """

    contents: Mapping[str, tuple[str, int, int | None, bool] | None] = MappingProxyType({})
    files: Mapping[str, Mapping[str, tuple[bytes, bool]]] = MappingProxyType({})
    problem: tuple[str, str] | None = None
    may_pass: bool = False


class Outcome(NamedTuple):
    """How a job ended: the code of its last command (negative: ended by that signal), and how long it took.

    With `made` it ran in another place, and what it made is not in the workspace.
    """

    name: str
    code: int
    seconds: float
    command: str = ""
    timed_out: bool = False
    made: RemoteResult | None = None


def refused_end(name: str, problem: tuple[str, str]) -> Outcome:
    """The end of a job that nobody can do (message, hint)."""
    return Outcome(name, 0, 0.0, made=RemoteResult(problem=problem))


def postponed_end(job: Job, message: str, hint: str) -> Outcome:
    """The end of a job that could not be done now, and may be done later."""
    return Outcome(job.name, 1, 0.0, job.commands[0], made=RemoteResult(problem=(message, hint), may_pass=True))


class Executor(Protocol):
    """Runs jobs; all decisions stay with the scheduler."""

    @property
    def slots(self) -> int:
        """How many jobs may run at once."""

    def submit(self, job: Job) -> None:
        """Start a job. Raises MlgitError when it cannot be started at all."""

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """The jobs that ended since the last call; blocks until there is one, or until `timeout` seconds are over."""

    def stop(self) -> None:
        """End all running jobs and whatever they started; nothing of them runs when this returns."""
