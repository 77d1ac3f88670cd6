"""What runs inside a Dask worker: it takes in commits, and hands tasks to processes of its own, its lanes.

Every task of a batch is answered as it ends, by an event, so that a worker that is lost costs the stage that ran there,
and nothing that is finished. A batch is of short tasks; when one takes long after all, those behind it are given back.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import Any

from mlgit import __version__
from mlgit.adapters.git.bundle import Clone
from mlgit.adapters.system import disks, process
from mlgit.errors import MlgitError
from mlgit.executors.dask import messages
from mlgit.executors.dask.messages import Answer, Batch, Ran, Site, Task, TaskReport

_POLL_SECONDS = 0.5
_END_SECONDS = 15.0


@dataclass(slots=True)
class _Lane:
    run: str
    number: int
    child: Popen[bytes]
    asked: Connection
    answered: Connection

    def ask(self, site: Site, task: Task, *, ahead: list[Task]) -> None:
        """Have a task run. Inputs of those `ahead` may be fetched with its own."""
        self.asked.send((site, task, [each for task in ahead for each in task.reads]))

    def end(self) -> None:
        """End what runs in the lane, then the lane itself."""
        self.child.terminate()
        try:
            self.child.wait(_END_SECONDS)
        except TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.asked.close()
        self.answered.close()


@dataclass(slots=True)
class _Yard:
    """The lanes of this worker: those that wait for work, and those at work."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    idle: list[_Lane] = field(default_factory=list)
    busy: list[_Lane] = field(default_factory=list)
    receiving: threading.Lock = field(default_factory=threading.Lock)
    stopped: set[str] = field(default_factory=set)


_YARD = _Yard()


class _LostLaneError(Exception):
    """The process that ran a task has ended, and the task with it."""


class CancelledError(Exception):
    """The run does not want this task any more."""


def work(batch: Batch) -> TaskReport:
    """Do the tasks of a batch, one after the other."""
    found = _refused(batch)
    if found is not None:
        return found
    try:
        lane = _take(batch.run)
    except (OSError, MlgitError) as error:
        return TaskReport(_address(), trouble=("worker", *_said(error)))
    work_of = _Work(batch, lane, time.monotonic() + batch.seconds)
    try:
        work_of.do()
    except _LostLaneError as error:
        trouble = ("lost", str(error), "its machine may be short of memory")
        lost = tuple(Answer(name, trouble=trouble) for name in work_of.open)
        return TaskReport(_address(), (*work_of.answers, *lost))
    _give(lane)
    return TaskReport(_address(), tuple(work_of.answers))


@dataclass(slots=True)
class _Work:
    """A batch at work in a lane: what was asked and not answered yet is `open`. No task is begun after `until`."""

    batch: Batch
    lane: _Lane
    until: float
    open: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def do(self) -> None:
        """Have all tasks done, as long as there is time and no trouble; return with nothing open."""
        rest = list(self.batch.tasks)
        while rest and not any(answer.trouble for answer in self.answers):
            task = rest.pop(0)
            self._ask(task, ahead=rest if not self.answers and not self.open else [])
            if not self._until_next(task.name, self.until if rest else None):
                _tell(self.batch, given_back=[each.name for each in rest])
                break
        while self.open:
            self._take(_await(self.lane, None), is_last=len(self.open) == 1)

    def _ask(self, task: Task, *, ahead: list[Task]) -> None:
        self.open.append(task.name)
        try:
            self.lane.ask(self.batch.site, task, ahead=ahead)
        except OSError:
            _await(self.lane, None)  # says how it was lost

    def _until_next(self, name: str, until: float | None) -> bool:
        """Wait until the next task may be asked; False when that takes too long."""
        while True:
            said = _await(self.lane, until)
            if said is None:
                return False
            if self._take(said) == name:
                return True

    def _take(self, said: Ran | Answer | None, *, is_last: bool = False) -> str:
        """Take in what the lane said; returns of which task it was."""
        assert said is not None
        if isinstance(said, Answer):
            self.open.remove(said.name)
            self.answers.append(said)
            if not is_last:  # the last ones go with the report
                _tell(self.batch, said)
        return said.name


def _said(error: Exception) -> tuple[str, str]:
    """What keeps this worker from opening a lane (message, hint)."""
    full = disks.fault(Path(_worker().local_directory), error)
    if full is not None:
        return full
    return (error.message, error.hint) if isinstance(error, MlgitError) else (str(error), "see the machine of this worker")


def _tell(batch: Batch, *answers: Answer, given_back: list[str] | None = None) -> None:
    event = [batch.token, _address(), [messages.to_row(answer) for answer in answers], given_back or []]
    _worker().log_event(messages.topic(batch.run), event)


def _refused(batch: Batch) -> TaskReport | None:
    """The report for a batch that this worker cannot begin."""
    if batch.site.version != __version__:
        return TaskReport(_address(), trouble=("worker", *messages.other_version(__version__, batch.site.version)))
    have = Clone(_folder() / "clone.git").commits()
    if batch.site.commit not in have:
        return TaskReport(_address(), lacks_commit=True, have=tuple(have))
    return None


def _worker() -> Any:
    from distributed import get_worker

    return get_worker()


def _address() -> str:
    return str(_worker().address)


def _folder() -> Path:
    return Path(_worker().local_directory) / "mlgit"


def _take(run: str) -> _Lane:
    with _YARD.lock:
        lane = next((lane for lane in _YARD.idle if lane.run == run), None)
        if lane is not None:
            _YARD.idle.remove(lane)
        else:
            lane = _open(run)
        _YARD.busy.append(lane)
        return lane


def _open(run: str) -> _Lane:
    taken = {lane.number for lane in (*_YARD.idle, *_YARD.busy)}
    number = next(number for number in range(len(taken) + 1) if number not in taken)
    folder = _folder() / f"lane-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-P", "-m", "mlgit.executors.dask.stage_process", str(folder)]
    child = process.start(argv, cwd=folder, stdin=process.PIPE, stdout=process.PIPE)
    assert child.stdin
    assert child.stdout
    asked = Connection(os.dup(child.stdin.fileno()), readable=False)
    answered = Connection(os.dup(child.stdout.fileno()), writable=False)
    child.stdin.close()
    child.stdout.close()
    return _Lane(run, number, child, asked, answered)


def _give(lane: _Lane) -> None:
    with _YARD.lock:
        if lane.run not in _YARD.stopped:
            _YARD.busy.remove(lane)
            _YARD.idle.append(lane)


def _await(lane: _Lane, until: float | None) -> Ran | Answer | None:
    """What the lane says next; None when nothing comes until then."""
    while True:
        left = _POLL_SECONDS if until is None else min(_POLL_SECONDS, max(0.0, until - time.monotonic()))
        try:
            if lane.answered.poll(left):
                said: Ran | Answer = lane.answered.recv()
                return said
        except (EOFError, OSError) as error:
            _drop(lane)
            if lane.run in _YARD.stopped:
                raise CancelledError from error
            code = lane.child.returncode or 0
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            raise _LostLaneError(f"the process that runs stages was ended from outside, {how}") from error
        if until is not None and time.monotonic() >= until:
            return None
        if _is_cancelled():
            _drop(lane)
            raise CancelledError


def _is_cancelled() -> bool:
    """Whether nobody waits for the result any more: the run took the task back, or this worker ends (its scheduler is lost)."""
    worker = _worker()
    if worker.status.name not in ("running", "paused", "closing_gracefully"):
        return True
    task = worker.state.tasks.get(worker.get_current_task())
    return task is None or task.state == "cancelled"


def _drop(lane: _Lane) -> None:
    with _YARD.lock:
        mine = lane in _YARD.busy
        if mine:
            _YARD.busy.remove(lane)
    if mine:
        lane.end()


async def commits(*, dask_worker: Any) -> tuple[str, list[str]]:
    """The version of mlgit here, and the commits that are here."""
    return __version__, Clone(Path(dask_worker.local_directory) / "mlgit" / "clone.git").commits()


async def deliver(commit: str, pack: bytes, *, dask_worker: Any) -> None:
    """Take in a commit."""
    clone = Clone(Path(dask_worker.local_directory) / "mlgit" / "clone.git")

    def receive() -> None:
        with _YARD.receiving:
            if commit not in clone.commits():
                try:
                    clone.receive(commit, pack)
                except MlgitError as error:
                    full = disks.fault(Path(dask_worker.local_directory), error)
                    raise MlgitError(*full) if full else error from error

    await asyncio.to_thread(receive)


async def stop(run: str) -> None:
    """End every lane of a run, with all that runs in them."""
    await asyncio.to_thread(_stop, run)


def _stop(run: str) -> None:
    with _YARD.lock:
        _YARD.stopped.add(run)
        lanes = [lane for lane in (*_YARD.idle, *_YARD.busy) if lane.run == run]
        _YARD.idle = [lane for lane in _YARD.idle if lane.run != run]
        _YARD.busy = [lane for lane in _YARD.busy if lane.run != run]
    for lane in lanes:
        lane.child.terminate()
    for lane in lanes:
        with suppress(OSError):
            lane.end()
