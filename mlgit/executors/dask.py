"""Jobs on the workers of a Dask cluster that share no file system with the clone: the run's side of it.

A cluster is started, or looked for, when the first job comes. Jobs are sent in batches, results come in as they end.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlgit.adapters import dask, files, transport
from mlgit.adapters.dask import Cluster, Ended, LostError, Node
from mlgit.adapters.hashing import Content
from mlgit.adapters.remote import Remote
from mlgit.adapters.store import Cache
from mlgit.errors import MlgitError
from mlgit.executors import batches, parcel, table
from mlgit.executors.batches import Pace
from mlgit.executors.parcel import Answer, Batch, Declared, Report, Site, Task
from mlgit.executors.protocol import Executor, Job, Made, Outcome

LARGEST_SENT = 64 << 20
_LOST = -9
_ROSTER_SECONDS = 2.0
_NOTHING_MORE = 0.02


@dataclass(frozen=True, slots=True)
class Project:
    """What the executor needs to know of a project.

    `digest` tells what lies at a path from the root, outputs that were made elsewhere included, and `objects` gives its
    bytes by md5. `address` is the scheduler's ('': a cluster of its own), `limit` how many tasks may run at once.
    """

    root: Path
    git_root: Path
    site: Site
    declared: Mapping[str, Declared]
    digest: Callable[[str], Content | None]
    objects: Callable[[str], Mapping[str, bytes]]
    cache: Cache
    remote: Remote
    address: str = ""
    limit: int | None = None


@dataclass(slots=True)
class _Flight:
    """A batch on its way, and its tasks that have not ended; several go to one worker, which `only` names."""

    tasks: dict[str, Task]
    resources: Mapping[str, float]
    only: str = ""


class Dask:
    """An executor on the project's cluster; one of its own has a worker for each of the `cpus`."""

    def __init__(self, project: Project, *, cpus: int) -> None:
        self._project = project
        self._address = project.address
        self._jobs = project.limit
        self._cpus = cpus
        self._run = secrets.token_hex(8)
        self._number = 0
        self._cluster: Cluster | None = None
        self._local: Executor | None = None
        self._here: set[str] = set()
        self._nodes: dict[str, Node] = {}
        self._looked = 0.0
        self._pace = Pace()
        self._jobs_now: dict[str, Job] = {}
        self._waiting: list[Task] = []
        self._flights: dict[str, _Flight] = {}
        self._packs: dict[tuple[str, ...], bytes] = {}
        self._sent: set[str] = set()
        self._uncached: set[str] = set()  # outputs made in this run that are in neither Git nor the remote
        if any(not each.portable for each in project.declared.values()):
            # It forks, so it has to be there before Dask starts its threads.
            self._local = table.make("local", jobs=cpus)

    @property
    def slots(self) -> int:
        if self._cluster is None:
            return self._jobs or self._cpus
        size = self._pace.size()
        return self._room() if size == 1 else self._room() * 2 * size

    def _room(self) -> int:
        """How many batches may be on their way: one for each thread, as none shall wait behind another.

        Where stages take long, or no worker is there yet, some more may, for a cluster that grows with its work.
        """
        threads = sum(node.threads for node in self._nodes.values())
        if self._address and (threads == 0 or self._pace.is_long()):
            threads = 2 * threads + 2
        return max(1, min(threads, self._jobs) if self._jobs else threads)

    def submit(self, job: Job) -> None:
        """Send the job with the next batch. One that cannot travel is run here."""
        declared = self._project.declared[job.name]
        if not declared.portable:
            assert self._local is not None
            self._local.submit(job)
            self._here.add(job.name)
            return
        self._waiting.append(self._task(job, declared))
        self._jobs_now[job.name] = job

    def _task(self, job: Job, declared: Declared) -> Task:
        paths = [*declared.reads, *(target.path for target in declared.writes if target.persist)]
        found = {path: self._project.digest(path) for path in paths}
        objects: dict[str, bytes] = {}
        for path in found.keys() & self._uncached:
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

    def _open(self) -> None:
        if self._cluster is not None:
            return
        folder = self._project.root / ".dvc/tmp/mlgit/dask"
        holder = [sys.executable, "-P", "-m", "mlgit.executors.cluster", str(self._jobs or self._cpus), str(folder)]
        self._cluster = Cluster(self._address, holder=holder, folder=folder)
        self._cluster.listen(parcel.topic(self._run))
        self._look(force=True)
        groups: dict[tuple[str, ...], list[str]] = {}
        for address, found in self._cluster.everywhere(table.on_workers().commits).items():
            if not isinstance(found, OSError):  # that worker is lost
                self._check(found)
                groups.setdefault(tuple(sorted(found[1])), []).append(address)
        for have, addresses in groups.items():
            self._deliver(addresses, have)

    def _check(self, found: Any) -> None:
        if isinstance(found, ModuleNotFoundError):
            raise MlgitError(
                f"the workers of the Dask cluster cannot import {found.name}",
                f"type `pip install 'mlgit[dask]=={self._project.site.version}'` where the workers run",
            ) from found
        if isinstance(found, BaseException):
            raise found
        if found[0] != self._project.site.version:
            raise MlgitError(
                f"the workers have mlgit {found[0]}, this is {self._project.site.version}", "install the same version in both"
            )

    def _deliver(self, addresses: list[str], have: tuple[str, ...]) -> None:
        """Bring the commit to workers that have only those others."""
        assert self._cluster is not None
        commit = self._project.site.commit
        if commit in have:
            return
        if have not in self._packs:
            self._packs[have] = transport.pack(self._project.git_root, commit, have=have)
        done = self._cluster.everywhere(table.on_workers().deliver, commit, self._packs[have], workers=addresses)
        for error in done.values():
            if isinstance(error, BaseException) and not isinstance(error, OSError):
                raise error

    def _look(self, *, force: bool = False) -> None:
        """See which workers there are."""
        assert self._cluster is not None
        if force or time.monotonic() - self._looked > _ROSTER_SECONDS:
            self._nodes = self._cluster.nodes()
            self._looked = time.monotonic()
            self._resend_lost()

    def _impossible(self, job: Job) -> tuple[str, str] | None:
        """What no worker of the cluster has of that which a job asks for."""
        for name, wanted in self._resources(job).items():
            offered = max((node.resources.get(name, 0.0) for node in self._nodes.values()), default=wanted)
            if offered < wanted:
                return (
                    f"stage '{job.name}' wants {wanted:g} of '{name}', no worker of the cluster offers more than {offered:g}",
                    f"start a worker with `dask worker ADDRESS --resources '{name}={wanted:g}'`",
                )
        return None

    def _resources(self, job: Job) -> dict[str, float]:
        """What to ask Dask for. Processors and memory are asked for only where workers say how much they have."""
        if not self._address:
            return {}  # the workers are this machine, whose resources the run counts itself
        offered = {name for node in self._nodes.values() for name in node.resources}
        return {name: value for name, value in job.resources.items() if name in offered or name not in ("cpus", "memory")}

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Send what was submitted, and return what ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._waiting:
            self._open()
        outcomes = self._send()
        while True:
            left = 3600.0 if deadline is None else max(0.0, deadline - time.monotonic())
            if self._here:
                outcomes += self._wait_here(0.0 if self._flights or outcomes else left)
            if self._flights and self._cluster is not None:
                for each in self._cluster.ended(0.0 if outcomes else min(left, _NOTHING_MORE) if self._here else left):
                    outcomes += self._take_in(each)
                self._look()
                outcomes += self._send()
            if outcomes or not (self._flights or self._here) or (deadline is not None and time.monotonic() >= deadline):
                return outcomes

    def _wait_here(self, timeout: float) -> list[Outcome]:
        assert self._local is not None
        ended = self._local.wait(timeout)
        self._here.difference_update(outcome.name for outcome in ended)
        return ended

    def _send(self) -> list[Outcome]:
        """Send the waiting tasks, as far as there is room. Those that ask for resources go alone: Dask places them."""
        refused = []
        for task in [task for task in self._waiting if self._jobs_now[task.name].resources]:
            job = self._jobs_now[task.name]
            problem, resources = self._impossible(job), self._resources(job)
            if problem is not None:
                refused.append(Outcome(job.name, 0, 0.0, made=Made(problem=problem)))
                del self._jobs_now[job.name]
            elif resources:
                self._fly((task,), resources)
            if problem is not None or resources:
                self._waiting.remove(task)
        room = self._room() - len(self._flights)
        for size in batches.cut(len(self._waiting), most=self._pace.size(), room=room):
            tasks, self._waiting = self._waiting[:size], self._waiting[size:]
            self._fly(tuple(tasks), {})
        return refused

    def _fly(self, tasks: tuple[Task, ...], resources: Mapping[str, float], *, only: str = "") -> None:
        assert self._cluster is not None
        self._number += 1
        token = f"mlgit-{self._run}-{self._number}"
        only = only or (self._least_busy() if len(tasks) > 1 else "")
        self._flights[token] = _Flight({task.name: task for task in tasks}, resources, only)
        batch = Batch(self._run, token, self._project.site, tasks)
        self._cluster.submit(table.on_workers().work, batch, token=token, only=only, resources=resources)

    def _least_busy(self) -> str:
        load = {name: -node.threads for name, node in self._nodes.items()}
        for flight in self._flights.values():
            if flight.only in load:
                load[flight.only] += 1
        return min(load, key=lambda name: load[name], default="")

    def _take_in(self, ended: Ended) -> list[Outcome]:
        if not ended.token:
            return self._take_event(*ended.result)
        flight = self._flights.pop(ended.token)
        if ended.error is not None:
            return self._failed(flight, ended.error)
        report: Report = ended.result
        if report.lacks_commit:  # a worker that came later
            self._deliver([report.worker], tuple(sorted(report.have)))
            self._fly(tuple(flight.tasks.values()), flight.resources, only=flight.only)
            return []
        return self._take_answers(flight, report.answers)

    def _take_event(self, token: str, rows: list[Any], given_back: list[str]) -> list[Outcome]:
        flight = self._flights.get(token)
        if flight is None:  # what it tells is known from the end of its batch
            return []
        self._waiting[:0] = [flight.tasks.pop(name) for name in given_back if name in flight.tasks]
        return self._take_answers(flight, [parcel.from_row(row) for row in rows])

    def _take_answers(self, flight: _Flight, answers: Iterable[Answer]) -> list[Outcome]:
        found = []
        for answer in answers:
            task = flight.tasks.pop(answer.name, None)
            outcome = self._outcome(task, answer, flight) if task is not None else None
            if outcome is not None:
                found.append(outcome)
        return found

    def _resend_lost(self) -> None:
        """Send again, one by one, what was on its way to workers that are lost."""
        assert self._cluster is not None
        for token in [token for token, flight in self._flights.items() if flight.only and flight.only not in self._nodes]:
            self._cluster.give_up(token)
            flight = self._flights.pop(token)
            for task in flight.tasks.values():
                self._fly((task,), flight.resources)

    def _failed(self, flight: _Flight, error: BaseException) -> list[Outcome]:
        if isinstance(error, ModuleNotFoundError | MlgitError):
            self._check(error)
        if not dask.is_lost_worker(error):
            raise error
        if len(flight.tasks) > 1:  # one of them ends workers; each is tried alone
            for task in flight.tasks.values():
                self._fly((task,), flight.resources)
            return []
        task = next(iter(flight.tasks.values()))
        job = self._jobs_now.pop(task.name)
        _write_log(job, b"Every worker that tried this stage was lost, the last time for good. Short of memory?\n")
        return [Outcome(job.name, _LOST, 0.0, job.commands[0])]

    def _outcome(self, task: Task, answer: Answer, flight: _Flight) -> Outcome | None:
        if answer.lacks:
            problem = self._supply(task, answer.lacks, flight)
            if problem is None:
                return None
            answer = replace(answer, problem=problem)
        job = self._jobs_now.pop(answer.name)
        _write_log(job, answer.log)
        self._pace.note(answer.seconds)
        self._uncached.update(answer.files)
        made = Made(answer.contents, answer.files, answer.problem or _changed_input(task, answer)) if answer.code == 0 else None
        return Outcome(answer.name, answer.code, answer.seconds, answer.command, answer.timed_out, made)

    def _supply(self, task: Task, lacks: tuple[str, ...], flight: _Flight) -> tuple[str, str] | None:
        """Send a task again, with inputs that are neither in Git nor in the remote; what is wrong if that cannot be.

        What the cache has goes to the remote, where the next task finds it too; other files travel with the task.
        """
        objects = dict(task.objects)
        for path in lacks:
            content = self._project.digest(path)
            if content is None or content.md5 in objects:
                return f"input '{path}' changed while the run was going on", "run again"
            if content.md5 not in self._sent and self._project.cache.has_all(content.md5):
                self._project.remote.push([content.md5])
                self._sent.add(content.md5)
            elif content.size > LARGEST_SENT:
                return (
                    f"input '{path}' is in neither Git nor DVC, and {content.size >> 20} MiB are too much to send with a stage",
                    f"`dvc add {path}` lets it travel through the DVC remote",
                )
            else:
                objects |= self._project.objects(path)
        self._fly((replace(task, objects=objects),), flight.resources)
        return None

    def stop(self) -> None:
        """End what runs here and on the workers; a cluster that was started here ends too."""
        if self._local is not None:
            self._local.stop()
        if self._cluster is None:
            return
        cluster, self._cluster = self._cluster, None
        try:
            if self._flights:
                cluster.cancel()
            cluster.everywhere(table.on_workers().stop, self._run)
        except LostError:
            pass  # workers that lose their scheduler end, and with them what they run
        finally:
            self._flights.clear()
            cluster.close()


def _changed_input(task: Task, answer: Answer) -> tuple[str, str] | None:
    for path, content in task.reads:
        written = any(path == target.path for target in task.writes)
        if not written and answer.contents and answer.contents[path] != content:
            return f"the stage changed its own input '{path}'", "let it write to an output"
    return None


def _write_log(job: Job, content: bytes) -> None:
    try:
        job.log.write_bytes(content)
    except FileNotFoundError:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(job.log, content)
