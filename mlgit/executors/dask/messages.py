"""What travels between the run, the workers and the processes that run stages there: plain values, pickled by Dask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

# md5, bytes, number of files (None for a file), executable or not
Content = tuple[str, int, int | None, bool]
# path inside an output ('' for a file) -> bytes, executable or not
Files = Mapping[str, tuple[bytes, bool]]
# whose it is ("worker": it cannot work, "remote": it was not reached, "lost": what ran there was ended), message, hint
Trouble = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """An output: its path from the project's root, whether DVC caches it, whether it stays when the stage runs again, and the
    remote that it goes to ('': the default).
    """

    path: str
    cache: bool = True
    persist: bool = False
    remote: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a stage reads and writes, by path from the project's root. One that is not `portable` has to run in the clone."""

    reads: tuple[str, ...] = ()
    writes: tuple[Target, ...] = ()
    portable: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """The place that stages run in: a commit, the project's folder in it ('' or ending with '/'), and the DVC remotes.

    `remotes` are name and URL of each, the default's first. `filtered` says that .dvcignore files hold patterns;
    `version` is mlgit's; `patience` is how long a remote may be
    silent (None: as long as its own settings say).
    """

    commit: str
    prefix: str
    remotes: tuple[tuple[str, str], ...]
    filtered: bool
    version: str
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One stage: its commands, and the content that what it reads must have. `objects` are bytes by md5 that came along."""

    name: str
    commands: tuple[str, ...]
    wdir: str
    env: Mapping[str, str]
    timeout: float | None
    reads: tuple[tuple[str, Content], ...]
    writes: tuple[Target, ...]
    objects: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a task.

    With `lacks` nothing ran: these inputs are neither in the commit nor in the remote. With `problem` (message, hint) it
    failed beside its commands, with `trouble` it was not done, through no fault of its own. Otherwise `contents` tells
    what lies at every path read and written (None: nothing), and `files` has the bytes of outputs that DVC does not cache;
    `handing` is how long they took to reach the remote.
    """

    name: str
    code: int = 0
    seconds: float = 0.0
    command: str = ""
    timed_out: bool = False
    log: bytes = b""
    contents: Mapping[str, Content | None] = field(default_factory=dict)
    files: Mapping[str, Files] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    problem: tuple[str, str] | None = None
    trouble: Trouble | None = None
    handing: float = 0.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A task has run, and the next may; what it made is on its way to the remote, and its answer comes when it is there."""

    name: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks for one worker, one after the other. `run` names the run; `token` names the batch.

    Those that are not begun after `seconds` are given back.
    """

    run: str
    token: str
    site: Site
    tasks: tuple[Task, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What a worker made of a batch.

    `lacks_commit`: it could not begin, having only the commits in `have`. `trouble`: it could not, for that reason.
    """

    worker: str
    answers: tuple[Answer, ...] = ()
    lacks_commit: bool = False
    have: tuple[str, ...] = ()
    trouble: Trouble | None = None


def other_version(there: str, here: str) -> tuple[str, str]:
    """What is wrong (message, hint) where a worker has another version of mlgit."""
    return f"it has mlgit {there}, the run has {here}", f"type `pip install 'mlgit[dask]=={here}'` where it runs"


def topic(run: str) -> str:
    """The name under which the workers of a run tell what ended."""
    return f"mlgit-{run}"


def to_row(answer: Answer) -> list[Any]:
    """An answer as the plain values that events may hold."""
    return [getattr(answer, field.name) for field in fields(Answer)]


def from_row(row: Sequence[Any]) -> Answer:
    """The answer again; on the way tuples have become lists."""
    answer = Answer(*row)
    contents = {path: None if each is None else _content(*each) for path, each in answer.contents.items()}
    problem = None if answer.problem is None else (answer.problem[0], answer.problem[1])
    trouble = None if answer.trouble is None else (answer.trouble[0], answer.trouble[1], answer.trouble[2])
    return replace(answer, contents=contents, lacks=tuple(answer.lacks), problem=problem, trouble=trouble)


def _content(md5: str, size: int, nfiles: int | None, isexec: bool) -> Content:
    return (md5, size, nfiles, isexec)
