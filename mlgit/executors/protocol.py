"""What the scheduler asks of a place where commands run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """The commands of one stage, one shell each, to be run one after the other until one fails.

    `env` is added to the environment of the place it runs in. `timeout` is in seconds, for all commands together;
    `resources` are what the job takes while it runs.
    """

    name: str
    commands: tuple[str, ...]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    log: Path = Path()
    timeout: float | None = None
    resources: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: the code of its last command (negative: ended by that signal), and how long it took."""

    name: str
    code: int
    seconds: float
    command: str = ""
    timed_out: bool = False


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
