"""Jobs on the workers of a Dask cluster that share no file system with the clone: the run's side of it.

A cluster is started, or looked for, when the first job comes. Jobs are sent in batches, results come in as they end.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlgit.adapters.dvc.remote import RemoteUnreachableError
from mlgit.adapters.git import bundle
from mlgit.adapters.system import files, transfers
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.executors.dask import batches, client, messages
from mlgit.executors.dask.batches import Pace
from mlgit.executors.dask.client import Cluster, Ended, LostError
from mlgit.executors.dask.messages import Answer, Batch, Task, TaskReport, Trouble
from mlgit.executors.dask.project import DaskProject
from mlgit.executors.dask.roster import Tries
from mlgit.executors.dask.supplies import Supplies, changed_input
from mlgit.executors.dask.worker_pool import Crew, Means, missing_module, without
from mlgit.executors.protocol import Executor, Job, Outcome, RemoteResult, postponed_end, refused_end

_LOST = -9
_NOTHING_MORE = 0.02
_HURRY = 0.5
_ANSWER_SECONDS = 2.0
_STOP_SECONDS = 5.0
_ALL_LOST = "Every worker that tried this stage was lost, the last time for good."


@dataclass(slots=True)
class _Flight:
    """A batch on its way, and its tasks that have not ended; with `only` it is for one of these workers.

    Several tasks go to one worker.
    """

    tasks: dict[str, Task]
    resources: Mapping[str, float]
    only: tuple[str, ...] = ()


class Dask:
    """An executor on the project's cluster; one of its own has a worker for each of the `cpus`."""

    def __init__(self, project: DaskProject, *, cpus: int) -> None:
        self._project = project
        self._address = project.address
        self._jobs = project.limit
        self._cpus = cpus
        self._run = secrets.token_hex(8)
        self._number = 0
        self._cluster: Cluster | None = None
        self._crew: Crew | None = None
        self._local: Executor | None = None
        self._here: set[str] = set()
        self._unsent: list[Outcome] = []
        self._pace = Pace()
        self._jobs_now: dict[str, Job] = {}
        self._waiting: list[Task] = []
        self._flights: dict[str, _Flight] = {}
        self._tries = Tries()
        self._asked = float("-inf")
        self._does_answer = True
        self._supplies = Supplies(project)
        if any(not each.portable for each in project.declared.values()):
            # It forks, so it has to be there before Dask starts its threads.
            self._local = table.make("local", jobs=cpus)

    @property
    def slots(self) -> int:
        if self._crew is None:
            return self._jobs or self._cpus
        size = self._pace.size()
        return max(1, self._room() * (1 if size == 1 else 2 * size))

    def _room(self) -> int:
        """How many batches may be on their way: one for each thread, as none shall wait behind another.

        Where stages take long, or no worker is there yet, some more may, for a cluster that grows with its work.
        """
        roster = self._opened().roster
        threads = sum(node.threads for node in roster.able().values())
        if threads == 0 and roster.unable():
            return 0  # those that are there would take what is sent
        if self._address and (threads == 0 or self._pace.is_long()):
            threads = 2 * threads + 2
        return max(1, min(threads, self._jobs) if self._jobs else threads)

    def submit(self, job: Job) -> None:
        """Send the job with the next batch. One that cannot travel is run here.

        One whose inputs the remote does not give now has ended as one that a worker could not get them for.
        """
        declared = self._project.declared[job.name]
        if not declared.portable:
            assert self._local is not None
            self._local.submit(job)
            self._here.add(job.name)
            return
        try:
            task = self._supplies.task(job, declared)
        except RemoteUnreachableError as error:
            self._unsent.append(postponed_end(job, error.message, error.hint))
            return
        self._tries.begin(job.name)
        self._waiting.append(task)
        self._jobs_now[job.name] = job

    def _opened(self) -> Crew:
        """The cluster, looked for or started when it is first needed."""
        if self._crew is None:
            self._project.remote.establish()
            folder = self._project.root / ".dvc/tmp/mlgit/dask"
            holder = [
                sys.executable,
                "-P",
                "-m",
                "mlgit.executors.dask.local_cluster",
                str(self._jobs or self._cpus),
                str(folder),
            ]
            self._cluster = Cluster(self._address, holder=holder, folder=folder)
            self._crew = Crew(self._cluster, self._project.site, self._means())
            self._cluster.listen(messages.topic(self._run))
            self._crew.look(force=True)
        return self._crew

    def _means(self) -> Means:
        git_root, commit = self._project.git_root, self._project.site.commit
        return Means(
            pack=lambda have: bundle.pack(git_root, commit, have=have),
            say=_say,
            clock=time.monotonic,
            limit=transfers.limit.get(),
        )

    def _resources(self, job: Job) -> dict[str, float]:
        if not self._address:
            return {}  # the workers are this machine, whose resources the run counts itself
        return self._opened().roster.asked(job.resources)

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Send what was submitted, and return what ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        outcomes = self._send()
        while True:
            left = 3600.0 if deadline is None else max(0.0, deadline - time.monotonic())
            if self._here:
                outcomes += self._wait_here(0.0 if self._jobs_now or outcomes else left)
            if self._jobs_now:
                crew = self._opened()
                pause = min(left, _NOTHING_MORE if self._here else left if crew.roster.able() else _HURRY)
                assert self._cluster is not None
                for each in self._cluster.ended(0.0 if outcomes else pause):
                    outcomes += self._take_in(each)
                if crew.look():
                    self._take_back_lost()
                    outcomes += self._refuse_sent()
                outcomes += self._send()
                if not (self._here or outcomes or (self._flights and crew.roster.nodes)):
                    crew.refuse_none()
            if outcomes or not (self._jobs_now or self._here) or (deadline is not None and time.monotonic() >= deadline):
                return outcomes

    def _wait_here(self, timeout: float) -> list[Outcome]:
        assert self._local is not None
        ended = self._local.wait(timeout)
        self._here.difference_update(outcome.name for outcome in ended)
        return ended

    def _send(self) -> list[Outcome]:
        """Send the waiting tasks, as far as there is room. Those that ask for resources go alone: Dask places them."""
        refused, self._unsent = self._unsent, []
        if not self._waiting or self._room() == 0:
            return refused
        for task in [task for task in self._waiting if self._jobs_now[task.name].resources]:
            job = self._jobs_now[task.name]
            resources = self._resources(job)
            problem = self._opened().roster.refusal(job.name, resources)
            if problem is not None:
                del self._jobs_now[job.name]
                refused.append(refused_end(job.name, problem))
            elif resources:
                self._fly((task,), resources)
            if problem is not None or resources:
                self._waiting.remove(task)
        room = self._room() - len(self._flights)
        again = [task for task in self._waiting if self._tries.is_alone(task.name)]
        for task in again[: max(0, room)]:
            self._waiting.remove(task)
            self._fly((task,), {})
        room = self._room() - len(self._flights)
        fresh = [task for task in self._waiting if not self._tries.is_alone(task.name)]
        for size in batches.cut(len(fresh), most=self._pace.size(), room=room):
            tasks, fresh = fresh[:size], fresh[size:]
            for task in tasks:
                self._waiting.remove(task)
            self._fly(tuple(tasks), {})
        return refused

    def _refuse_sent(self) -> list[Outcome]:
        """Refuse what was sent before there was any worker and waits at Dask, as none of those that have come can take it."""
        roster = self._opened().roster
        assert self._cluster is not None
        refused = []
        for token, flight in list(self._flights.items()):
            name = next(iter(flight.tasks), "")
            if name and (problem := roster.refusal(name, flight.resources, also_unable=True)):
                self._cluster.give_up(token)
                del self._flights[token]
                del self._jobs_now[name]
                refused.append(refused_end(name, problem))
        return refused

    def _fly(self, tasks: tuple[Task, ...], resources: Mapping[str, float]) -> None:
        crew = self._opened()
        self._number += 1
        token = f"mlgit-{self._run}-{self._number}"
        only = crew.roster.least_busy(flight.only for flight in self._flights.values()) if len(tasks) > 1 else ()
        avoided = self._tries.avoided(tasks[0].name)
        if not only and (avoided or crew.roster.unable()):
            only = tuple(crew.roster.able(avoided=avoided)) or tuple(crew.roster.able())
        self._flights[token] = _Flight({task.name: task for task in tasks}, resources, only)
        batch = Batch(self._run, token, self._project.site, tasks, 2 * self._pace.span())
        assert self._cluster is not None
        self._cluster.submit(table.on_workers().work, batch, token=token, only=only, resources=resources)

    def _take_in(self, ended: Ended) -> list[Outcome]:
        if not ended.token:
            return self._take_event(*ended.result)
        flight = self._flights.pop(ended.token)
        if ended.error is not None:
            return self._failed(flight, ended.error)
        report: TaskReport = ended.result
        if report.lacks_commit:  # a worker that came later
            self._opened().deliver([report.worker], tuple(sorted(report.have)))
        if report.trouble is not None:
            self._opened().take_out(report.worker, *report.trouble[1:])
        found = self._take_answers(flight, report.answers, report.worker)
        self._waiting[:0] = flight.tasks.values()  # it did not come to them
        return found

    def _take_event(self, token: str, worker: str, rows: list[Any], given_back: list[str]) -> list[Outcome]:
        flight = self._flights.get(token)
        if flight is None:  # what it tells is known from the end of its batch
            return []
        self._waiting[:0] = [flight.tasks.pop(name) for name in given_back if name in flight.tasks]
        return self._take_answers(flight, [messages.from_row(row) for row in rows], worker)

    def _take_answers(self, flight: _Flight, answers: Iterable[Answer], worker: str) -> list[Outcome]:
        found = []
        for answer in answers:
            task = flight.tasks.pop(answer.name, None)
            outcome = self._outcome(task, answer, worker) if task is not None else None
            if outcome is not None:
                found.append(outcome)
        return found

    def _take_back_lost(self) -> None:
        """Put back in line what was on its way to workers that are lost."""
        crew = self._opened()
        assert self._cluster is not None
        for token, flight in list(self._flights.items()):
            if flight.only and crew.roster.nodes.keys().isdisjoint(flight.only):
                self._cluster.give_up(token)
                del self._flights[token]
                for name in flight.tasks:
                    self._tries.lost(name, ())
                if len(flight.tasks) == 1 and self._tries.are_over(name := next(iter(flight.tasks))):
                    self._unsent.append(self._poisonous(name, _ALL_LOST))
                else:
                    self._waiting[:0] = flight.tasks.values()

    def _failed(self, flight: _Flight, error: BaseException) -> list[Outcome]:
        """What an error of Dask's own means for a batch: its worker was lost, or could not read it."""
        if missing := missing_module(error):
            self._opened().recheck()
            for name in flight.tasks:
                self._tries.lost(name, ())
            if any(self._tries.are_over(name) for name in flight.tasks):
                raise MlgitError(*without(missing, self._project.site.version, who="a worker")) from error
            self._waiting[:0] = flight.tasks.values()
            return []
        if not client.is_lost_worker(error):
            raise error
        for name in flight.tasks:
            self._tries.lost(name, ())
        if len(flight.tasks) > 1:  # one of them ends workers; each is tried alone
            self._waiting[:0] = flight.tasks.values()
            return []
        return [self._poisonous(next(iter(flight.tasks)), _ALL_LOST)]

    def _poisonous(self, name: str, what: str) -> Outcome:
        job = self._jobs_now.pop(name)
        _write_log(job, f"{what} Short of memory?\n".encode())
        return Outcome(name, _LOST, 0.0, job.commands[0])

    def _outcome(self, task: Task, answer: Answer, worker: str) -> Outcome | None:
        if answer.trouble:
            return self._troubled(task, answer.trouble, worker)
        if answer.lacks:
            try:
                self._waiting.insert(0, self._supplies.supplied(task, answer.lacks))
                return None
            except RemoteUnreachableError as error:
                return postponed_end(self._jobs_now.pop(answer.name), error.message, error.hint)
            except MlgitError as error:
                answer = replace(answer, problem=(error.message, error.hint))
        self._opened().roster.works(worker)
        job = self._jobs_now.pop(answer.name)
        _write_log(job, answer.log)
        self._pace.note(answer.seconds, handing=answer.handing)
        self._supplies.uncached.update(answer.files)
        made = (
            RemoteResult(answer.contents, answer.files, answer.problem or changed_input(task, answer))
            if answer.code == 0
            else None
        )
        return Outcome(answer.name, answer.code, answer.seconds, answer.command, answer.timed_out, made)

    def _troubled(self, task: Task, trouble: Trouble, worker: str) -> Outcome | None:
        """What becomes of a stage that a worker could not do: it is tried elsewhere, as long as that may help."""
        crew = self._opened()
        kind, message, hint = trouble
        where = crew.roster.called(worker)
        self._tries.lost(task.name, (worker,))
        if kind == "lost":
            if self._tries.are_over(task.name):
                return self._poisonous(task.name, f"On {where}, as on others before, {message}.")
            _say(f"note: stage '{task.name}' is tried again elsewhere: on {where} {message}")
        elif kind == "worker":
            crew.take_out(worker, message, hint)
        elif not self._does_remote_answer():  # nobody can ask it now
            return postponed_end(self._jobs_now.pop(task.name), f"on {where}, {message}", hint)
        else:
            if crew.roster.strike(worker):
                crew.take_out(worker, message, hint)
            if crew.roster.able() and not crew.roster.able(avoided=self._tries.avoided(task.name)):
                return postponed_end(self._jobs_now.pop(task.name), f"on {where}, as on all others, {message}", hint)
            _say(f"note: stage '{task.name}' is tried elsewhere: on {where}, {message}")
        self._waiting.insert(0, task)
        return None

    def _does_remote_answer(self) -> bool:
        """Whether the remote answers this machine; one answer holds for a moment."""
        if time.monotonic() - self._asked > _ANSWER_SECONDS:
            try:
                self._project.remote.probe()
                self._does_answer = True
            except RemoteUnreachableError:
                self._does_answer = False
            self._asked = time.monotonic()
        return self._does_answer

    def stop(self) -> None:
        """End what runs here and on the workers; a cluster that was started here ends too."""
        if self._local is not None:
            self._local.stop()
        if self._cluster is None:
            return
        cluster, self._cluster, self._crew = self._cluster, None, None
        try:
            if self._flights:
                cluster.cancel()
            cluster.everywhere(table.on_workers().stop, self._run, seconds=_STOP_SECONDS)
        except LostError:
            pass  # workers that lose their scheduler end, and with them what they run
        finally:
            self._flights.clear()
            cluster.close()


def _say(text: str) -> None:
    if tell := transfers.announce.get():
        tell(text)


def _write_log(job: Job, content: bytes) -> None:
    try:
        job.log.write_bytes(content)
    except FileNotFoundError:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(job.log, content)
