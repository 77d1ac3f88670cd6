"""What a run on other machines sends along with its stages, and the remote through which everything else travels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mlgit.errors import MlgitError
from mlgit.executors.dask.messages import Answer, Declared, Task
from mlgit.executors.protocol import Job

LARGEST_SENT = 64 << 20


class _Known(Protocol):
    """What lies at a path."""

    @property
    def md5(self) -> str:
        """Its name in the cache."""

    @property
    def size(self) -> int:
        """Bytes."""

    def __iter__(self) -> Iterator[object]:
        """All that is known, in the order of `parcel.Content`."""


class _Project(Protocol):
    """Where inputs come from."""

    @property
    def root(self) -> Path:
        """The project's folder."""

    @property
    def digest(self) -> Callable[[str], _Known | None]:
        """What lies at a path from the root, outputs that were made elsewhere included."""

    @property
    def objects(self) -> Callable[[str], Mapping[str, bytes]]:
        """The bytes of what lies there, by md5."""

    @property
    def cache(self) -> _Cache:
        """The project's cache."""

    @property
    def remote(self) -> _Remote:
        """Its remote."""


class _Cache(Protocol):
    """A cache of objects."""

    def has_all(self, md5: str) -> bool:
        """Whether an object is there."""


class _Remote(Protocol):
    """Where objects are kept for others."""

    def push(self, md5s: Iterable[str]) -> None:
        """Send what is missing there."""


class Supplies:
    """The inputs of a project's stages, for workers that have only its commit and its remote."""

    def __init__(self, project: _Project) -> None:
        self._project = project
        self._sent: set[str] = set()
        self.uncached: set[str] = set()  # outputs made in this run that are in neither Git nor the remote

    def task(self, job: Job, declared: Declared) -> Task:
        """What travels for a job. Raises RemoteUnreachableError where its inputs have to come from the remote first."""
        paths = [*declared.reads, *(target.path for target in declared.writes if target.persist)]
        found = {path: self._project.digest(path) for path in paths}
        objects: dict[str, bytes] = {}
        for path in found.keys() & self.uncached:
            objects |= self._project.objects(path)
        return Task(
            name=job.name,
            commands=job.commands,
            wdir=job.folder.relative_to(self._project.root).as_posix(),
            env=job.env,
            timeout=job.timeout,
            reads=tuple((path, tuple(content)) for path, content in found.items() if content is not None),  # type: ignore[misc]
            writes=declared.writes,
            objects=objects,
        )

    def supplied(self, task: Task, lacks: tuple[str, ...]) -> Task:
        """The task again, with inputs that were found in neither Git nor the remote.

        What the cache has goes to the remote, where the next task finds it too; other files travel with the task.
        Raises MlgitError for an input that cannot travel, and what the remote raises.
        """
        objects = dict(task.objects)
        for path in lacks:
            content = self._project.digest(path)
            if content is None or content.md5 in objects:
                raise MlgitError(f"input '{path}' changed while the run was going on", "run again")
            if content.md5 not in self._sent and self._project.cache.has_all(content.md5):
                self._project.remote.push([content.md5])
                self._sent.add(content.md5)
            elif content.size > LARGEST_SENT:
                raise MlgitError(
                    f"input '{path}' is in neither Git nor DVC, and {content.size >> 20} MiB are too much to send with a stage",
                    f"`dvc add {path}` lets it travel through the DVC remote",
                )
            else:
                objects |= self._project.objects(path)
        return replace(task, objects=objects)


def changed_input(task: Task, answer: Answer) -> tuple[str, str] | None:
    """What is wrong where a stage wrote into what it reads (message, hint)."""
    for path, content in task.reads:
        written = any(path == target.path for target in task.writes)
        if not written and answer.contents and answer.contents[path] != content:
            return f"the stage changed its own input '{path}'", "let it write to an output"
    return None
