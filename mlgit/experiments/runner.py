"""The loop of `mlgit exp run`: hands trials to workers, writes down how they end, and looks for what was added meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError
from mlgit.experiments import queue
from mlgit.experiments import sweep as sweeps
from mlgit.experiments.search import NextTrial, Search
from mlgit.experiments.sweep import Sweep, TrialEnd
from mlgit.experiments.sweep_reporter import SweepReporter
from mlgit.experiments.trial import Trial, TrialFacts
from mlgit.experiments.trial_workers import TrialWorkers, WorkerReport
from mlgit.render.text import few

_TICK = 0.2
_AT_ONCE = 100  # trials that are there already, looked at in one go
_LOST = "the process of the trial was ended from outside"


class Runner:
    """Runs all searches of a clone's queue; its lock is held by the caller.

    `opened` makes a search of what was asked for, `measured` reads the metrics of commits; `force` runs what is recorded too.
    Searches that cannot be opened are `refused`: why, by id.
    """

    def __init__(
        self,
        common: Path,
        workers: TrialWorkers,
        *,
        opened: Callable[[Sweep], Search],
        measured: Callable[[Sweep, Collection[str]], Mapping[str, Mapping[str, Any]]],
        reporter: SweepReporter,
        forced: str = "",
    ) -> None:
        self._common = common
        self._workers = workers
        self._opened = opened
        self._measured = measured
        self._reporter = reporter
        self._forced = forced
        self._searches: dict[str, Search] = {}
        self._trials: dict[str, Trial] = {}
        self._told: set[tuple[str, str]] = set()
        self.refused: dict[str, MlgitError] = {}
        self._looked = 0.0

    def run(self) -> dict[str, Search]:
        """Run until nothing is left; the searches by id."""
        done: dict[str, Search] = {}
        try:
            while True:
                self._look()
                self._hand_out()
                for each in [each for each in self._searches.values() if each.is_done]:
                    self._end(each, done)
                if not self._workers.busy and not self._searches and not self._is_asked_for_more():
                    return done
                reports = self._workers.wait(_TICK if self._workers.busy else 0.0)
                self._take([end for report in reports for end in self._heard(report)])
                self._reporter.tick()
        finally:
            self._workers.stop()

    def _look(self) -> None:
        """Take up what was asked for since the last look."""
        if self._searches and time.monotonic() - self._looked < _TICK:
            return
        self._looked = time.monotonic()
        asked = queue.asked(self._common)
        for sweep in asked:
            if sweep.id not in self._searches and sweep.id not in self.refused:
                self._open(sweep)
        wanted = {each.id for each in asked}
        for search in self._searches.values():
            if search.sweep.id not in wanted:
                search.give_up()

    def _open(self, sweep: Sweep) -> None:
        try:
            search = self._searches[sweep.id] = self._opened(sweep)
        except MlgitError as error:  # of another version, or asked for where more is installed: others go on
            self.refused[sweep.id] = error
            self._reporter.note(f"a search that was asked for cannot be run ({' '.join(sweep.space)}): {error.message}")
        else:
            self._reporter.begun(search)

    def _is_asked_for_more(self) -> bool:
        return any(each.id not in self.refused for each in queue.asked(self._common))

    def _hand_out(self) -> None:
        for search in self._searches.values():
            known: list[TrialEnd] = []
            while self._workers.is_free and len(known) < _AT_ONCE:
                trial = search.next(busy=self._trials, force=search.sweep.id == self._forced)
                if trial is None:
                    break
                if trial.commit:
                    known.append(
                        TrialEnd(trial.number, trial.name, "finished", trial.commit, changes=trial.changes, known=True)
                    )
                else:
                    self._start(search, trial)
            self._take([(search, each) for each in known])

    def _start(self, search: Search, trial: NextTrial) -> None:
        sweep = search.sweep
        facts = TrialFacts(changes=trial.changes, sweep=sweep.id, number=trial.number, started=round(time.time(), 3))
        running = self._trials[trial.name] = Trial(trial.name, sweep.baseline, "running", facts=facts)
        queue.write_trial(self._common, sweep, running)
        replaced = search.recorded_commit(trial.name)
        self._workers.begin(
            {
                "id": sweep.id,
                "sweep": sweep.document(),
                "number": trial.number,
                "name": trial.name,
                "changes": dict(trial.changes),
                "replaced": replaced,
            }
        )
        self._reporter.trial_started(search, trial)

    def _heard(self, report: WorkerReport) -> list[tuple[Search, TrialEnd]]:
        search = self._searches[report.work["id"]]
        name = report.work["name"]
        if report.event is not None:
            if "folder" in report.event:
                self._trials[name] = replace(self._trials[name], folder=report.event["folder"])
                queue.write_trial(self._common, search.sweep, self._trials[name])
            elif "started" in report.event:
                self._reporter.stage_started(name, report.event["started"])
            return []
        end = sweeps.read_end(report.result) if not report.lost else None
        lost = TrialEnd(report.work["number"], name, "failed", changes=report.work["changes"], message=_LOST)
        return [(search, end or lost)]

    def _take(self, ends: Sequence[tuple[Search, TrialEnd]]) -> None:
        metrics: dict[str, Mapping[str, Any]] = {}
        for sweep in {search.sweep.id: search.sweep for search, end in ends if end.commit}.values():
            metrics |= self._measured(sweep, [end.commit for search, end in ends if end.commit and search.sweep == sweep])
        for search, end in ends:
            self._take_one(search, replace(end, metrics=metrics.get(end.commit, {})))

    def _take_one(self, search: Search, end: TrialEnd) -> None:
        queue.append_end(self._common, search.sweep, end)
        running = self._trials.pop(end.name, None)
        if end.status == "failed" and running:
            facts = replace(running.facts, seconds=round(end.seconds, 3))
            failed = replace(running, status="failed", facts=facts, message=end.message, log=end.log, folder="")
            queue.write_trial(self._common, search.sweep, failed)
        else:
            queue.drop_trial(self._common, end.name)
        search.take(end)
        for name in search.unmeasured(end):
            if (search.sweep.id, name) not in self._told:
                self._told.add((search.sweep.id, name))
                has = few(sorted(end.metrics)) if end.metrics else "no metric"
                self._reporter.note(f"--until is about '{name}', but {end.name} has {has}")
        self._reporter.trial_ended(search, end)

    def _end(self, search: Search, done: dict[str, Search]) -> None:
        queue.done(self._common, search.sweep)
        done[search.sweep.id] = self._searches.pop(search.sweep.id)
        self._reporter.ended(search)
