"""Processes that run trials, one at a time each, and the one that hands trials out and says which commands may start.

A worker is a fork: it has its own current folder and its own books. It ends when its link is closed, whatever has become of the
other process, and with it the commands that it runs. What counts over all workers is kept here: how many commands run,
resources and mutexes that stages share, and which results are being made.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from mlgit.adapters.system import process
from mlgit.adapters.system.reaper import let_go_of_files
from mlgit.experiments.links import Link, LinkClosedError, pair
from mlgit.pipeline.capacity import Capacity
from mlgit.pipeline.stage_options import Control

_SLOTS = "mlgit: commands at once"


class WorkerAdmission:
    """The worker's side: asks before each command, and notices that nobody is there any more."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def ask(self, name: str, *, key: str, wanted: Control, again: bool) -> bool:
        """Whether a stage may start now."""
        asked = {"ask": name, "key": key, "mutex": sorted(wanted.mutex), "resources": dict(wanted.resources), "again": again}
        self._link.send(asked)
        return bool(self._link.receive()["may"])

    def ended(self, name: str) -> None:
        """The stage's commands run no more."""
        self._link.send({"ended": name})

    def recorded(self, key: str) -> None:
        """The result is in the run cache, or will never be."""
        if key:
            self._link.send({"recorded": key})

    def tell(self, event: Mapping[str, Any]) -> None:
        """Let the other side know what happens."""
        self._link.send({"event": dict(event)})

    def check(self) -> None:
        """Raise KeyboardInterrupt where the other side is gone: what runs is ended, as by Ctrl-C."""
        if self._link.has_more():  # it speaks only when asked
            raise KeyboardInterrupt


@dataclass(slots=True)
class _Worker:
    pid: int
    link: Link
    work: Any = None
    running: dict[str, Control] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What came of a worker: an `event` of the work it does, its `end` (`result`, None where the worker is `lost`)."""

    work: Any
    event: Mapping[str, Any] | None = None
    result: Any = None
    lost: bool = False


class TrialWorkers:
    """`size` workers, started when there is work; `serve(work, admission)` does the work in a worker, and gives its result.

    Work and results are documents. `slots` commands run at once, over all workers; stages share what `totals` name.
    """

    def __init__(
        self, size: int, serve: Callable[[Any, WorkerAdmission], Any], *, slots: int, totals: Mapping[str, float]
    ) -> None:
        self._size = size
        self._serve = serve
        self._workers: list[_Worker] = []
        self._capacity = Capacity({**totals, _SLOTS: slots})
        self._making: set[str] = set()
        self._made: set[str] = set()

    @property
    def is_free(self) -> bool:
        """Whether more work can be taken."""
        return self.busy < self._size

    @property
    def busy(self) -> int:
        """How many work now."""
        return sum(each.work is not None for each in self._workers)

    def begin(self, work: Any) -> None:
        """Hand work to a worker that has none."""
        worker = next((each for each in self._workers if each.work is None), None) or self._started()
        worker.work = work
        worker.link.send({"do": work})

    def wait(self, timeout: float) -> list[WorkerReport]:
        """What came of the workers within `timeout` seconds, at least; their questions are answered."""
        by_descriptor = {each.link.fileno(): each for each in self._workers}
        ready = select.select(list(by_descriptor), [], [], timeout)[0] if by_descriptor else []
        reports: list[WorkerReport] = []
        for descriptor in ready:
            worker = by_descriptor[descriptor]
            try:
                for message in worker.link.come():
                    reports += self._heard(worker, message)
            except LinkClosedError:
                reports += self._lost(worker)
        return reports

    def stop(self) -> None:
        """End all workers and what they run, and wait for them."""
        for each in self._workers:
            each.link.close()
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGTERM)
        for each in self._workers:
            with suppress(ChildProcessError):
                os.waitpid(each.pid, 0)
        self._workers.clear()

    def _started(self) -> _Worker:
        ours, theirs = pair()
        with process.undisturbed():
            pid = os.fork()
            if pid == 0:
                _work(theirs, self._serve)
            self._workers.append(_Worker(pid, ours))
        theirs.close()
        return self._workers[-1]

    def _heard(self, worker: _Worker, message: Any) -> list[WorkerReport]:
        if "ask" in message:
            may = self._may(worker, message)
            with suppress(LinkClosedError):  # the next look tells
                worker.link.send({"may": may})
        elif "ended" in message:
            self._capacity.give(worker.running.pop(message["ended"]))
        elif "recorded" in message:
            self._release(worker, message["recorded"])
        elif "defect" in message:
            raise RuntimeError(message["defect"])
        elif "event" in message:
            return [WorkerReport(worker.work, event=message["event"])]
        elif "result" in message:
            done, worker.work = worker.work, None
            return [WorkerReport(done, result=message["result"])]
        return []

    def _may(self, worker: _Worker, asked: Any) -> bool:
        key, resources = asked["key"], {**asked["resources"], _SLOTS: 1.0}
        wanted = Control(mutex=frozenset(asked["mutex"]), resources=resources)
        if (key and key in self._making) or not self._capacity.fits(wanted):
            return False
        if key in self._made and not asked["again"]:
            return False
        self._capacity.take(wanted)
        worker.running[asked["ask"]] = wanted
        if key:
            self._making.add(key)
            worker.keys.add(key)
        return True

    def _release(self, worker: _Worker, key: str) -> None:
        worker.keys.discard(key)
        self._making.discard(key)
        self._made.add(key)

    def _lost(self, worker: _Worker) -> list[WorkerReport]:
        self._workers.remove(worker)
        worker.link.close()
        with suppress(ChildProcessError):
            os.waitpid(worker.pid, 0)
        for wanted in worker.running.values():
            self._capacity.give(wanted)
        for key in tuple(worker.keys):
            self._release(worker, key)
        return [WorkerReport(worker.work, lost=True)] if worker.work is not None else []


def _work(link: Link, serve: Callable[[Any, WorkerAdmission], Any]) -> NoReturn:
    """What a fork does: work until the link is closed. It prints nothing, and holds no file open that is not its own."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        let_go_of_files(keep=(link.fileno(),))
        admission = WorkerAdmission(link)
        while True:
            work = link.receive()["do"]
            try:
                result = serve(work, admission)
            except Exception as error:
                if isinstance(error, LinkClosedError):
                    raise
                _tell_defect(link)
                raise
            link.send({"result": result})
    except (Exception, KeyboardInterrupt):
        os._exit(1)
    finally:
        os._exit(0)


def _tell_defect(link: Link) -> None:
    import traceback

    link.send({"defect": traceback.format_exc()})
