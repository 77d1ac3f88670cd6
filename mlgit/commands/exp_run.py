"""Tries the pipeline with other parameters, in working trees beside the user's own."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from mlgit import errors, project
from mlgit.adapters.formats import edits
from mlgit.adapters.git import git
from mlgit.adapters.system import machine
from mlgit.commands.open_project import Opened, open_project
from mlgit.commands.set_parameters import set_values
from mlgit.commands.trial_run import TrialSetting, TrialWorker
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.experiments import queue, samplers, search_space, trial_commits, trial_refs
from mlgit.experiments import until as bounds
from mlgit.experiments.runner import Runner
from mlgit.experiments.search import RecordedTrial, Search
from mlgit.experiments.sweep import Sweep, TrialEnd
from mlgit.experiments.sweep_reporter import SweepReporter
from mlgit.experiments.trial import Trial, TrialFacts
from mlgit.experiments.trial_workers import TrialWorkers
from mlgit.pipeline import stage_options
from mlgit.pipeline.graph import select
from mlgit.pipeline.status import MISSING, NOT_IN_CACHE
from mlgit.project import Project
from mlgit.render.text import count, few

_PAUSE = 0.3
_AWAY = (MISSING, NOT_IN_CACHE)


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What came of a search: its trials in order, the best by its objective ('' for none), and how long it took.

    `known` were recorded before; `reached`: one fulfils what `--until` asked for; `is_queued`: it was only asked for.
    """

    sweep: Sweep
    trials: tuple[Trial, ...] = ()
    best: str = ""
    seconds: float = 0.0
    known: int = 0
    reached: bool = False
    is_queued: bool = False
    baseline_metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Trial, ...]:
        """The trials that failed."""
        return tuple(each for each in self.trials if each.status == "failed")

    @property
    def exit_code(self) -> int:
        """No where a trial failed."""
        return errors.EXIT_NO if self.failed else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "baseline": self.sweep.baseline,
            "sweep": self.sweep.id,
            "objective": self.sweep.objective,
            "best": self.best,
            "baseline_metrics": dict(self.baseline_metrics),
            "known": self.known,
            "reached": self.reached,
            "seconds": round(self.seconds, 3),
            "experiments": [each.document() for each in self.trials],
        }


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What is asked of `exp run`: settings as they were typed, and how they are searched."""

    space: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    sampler: str = samplers.GRID
    n_trials: int | None = None
    seed: int = 0
    objective: str = ""
    until: str = ""


def exp_run(
    plan: SweepPlan,
    *,
    jobs: int | None = None,
    force: bool = False,
    pull: bool = False,
    compute_if_unreachable: bool = False,
    executor: str = table.LOCAL,
    cluster: str | None = None,
    resources: Sequence[str] = (),
    only_queue: bool = False,
    reporter: SweepReporter | None = None,
) -> SweepResult:
    """Run the trials of a search, and whatever else was asked for and is not done; what is recorded already is not run again.

    `jobs` commands run at once over all trials. Where another `exp run` is at work in this clone, it takes the search over, and
    this call waits for it. Raises MlgitError where there is nothing to search, and for settings that parameters cannot have.
    """
    told = reporter or SweepReporter()
    began = time.monotonic()
    here = project.find()
    common = queue.common_folder(here.git_root)
    if os.environ.get("MLGIT_TRIAL") and not only_queue:
        raise MlgitError("`mlgit exp run` in a stage of a trial would wait for itself", "take it out of the stage's command")
    if here.git_root.is_relative_to(common / "worktrees"):
        raise MlgitError(
            f"{here.git_root}: the working tree of a trial, which the next trial overwrites", "`cd` to the project"
        )
    left = queue.asked(common) if plan == SweepPlan() and not only_queue else ()
    sweeps = left or (_asked(here, plan, told),)
    _note_others(common, sweeps, told)
    recorded = {each.commit for each in trial_refs.listed(here.git_root)}
    before = {each.id: _begin(common, each, recorded, force=force and not left) for each in sweeps}
    if only_queue:
        return SweepResult(sweeps[0], is_queued=True)
    n_jobs = jobs or machine.cpus()
    setting = TrialSetting(
        git_root=here.git_root,
        common=common,
        who=trial_commits.identity(here.git_root),
        jobs=n_jobs,
        force=force,
        pull=pull,
        compute_if_unreachable=compute_if_unreachable,
        executor=executor,
        cluster=cluster,
    )
    totals = {**machine.resources(), **stage_options.parse_resources(tuple(resources))}
    _run(here, sweeps, setting, totals, told, forced=sweeps[0].id if force and not left else "")
    searches = [_ended(common, each) for each in sweeps]
    return _result(here, searches, before=before, seconds=time.monotonic() - began)


def _begin(common: Path, sweep: Sweep, recorded: Collection[str], *, force: bool) -> set[int]:
    """Ask for a search, once more if it was there before; the numbers of its trials that are recorded."""
    if not (queue.is_asked(common, sweep) and queue.is_running(common)):  # else it is under way, and its ends are in use
        queue.retry(common, sweep, recorded=recorded)
        if force:
            queue.forget_ends(common, sweep)
        queue.add(common, sweep)
    elif force:
        raise MlgitError("these trials are under way in another terminal, so they cannot be begun anew", "wait for them")
    return {each.number for each in queue.ends(common, sweep)}


def _run(
    here: Project,
    sweeps: Sequence[Sweep],
    setting: TrialSetting,
    totals: Mapping[str, float],
    told: SweepReporter,
    *,
    forced: str,
) -> None:
    """Run the queue until these searches are done, or wait until who runs it has done them."""
    common = setting.common
    is_told = False
    while any(queue.is_asked(common, each) for each in sweeps):
        try:
            with queue.running(common):
                queue.clear_unfinished(common)
                workers = TrialWorkers(setting.jobs, TrialWorker(setting), slots=setting.jobs, totals=totals)
                runner = Runner(
                    common,
                    workers,
                    opened=lambda each: _opened(here, common, each),
                    measured=lambda each, commits: trial_refs.metrics_of(_project_of(here, each), commits),
                    reporter=told,
                    forced=forced,
                )
                runner.run()
                for each in sweeps:
                    if each.id in runner.refused:
                        raise runner.refused[each.id]
        except KeyboardInterrupt:
            told.note("`mlgit exp run` goes on with what is not done; `mlgit exp remove --queued` gives it up")
            raise
        except MlgitError as error:
            if not error.message.startswith(queue.BUSY):
                raise
            if not is_told:
                told.note(f"{error.message}: it takes these trials over, and is waited for")
                is_told = True
            told.tick()
            time.sleep(_PAUSE)


def _asked(here: Project, plan: SweepPlan, told: SweepReporter) -> Sweep:
    """What is asked for as a search from the state of the working tree as it is now; all that can be is checked before."""
    baseline = git.head(here.git_root)
    if not baseline:
        raise MlgitError("there is no commit for trials to hang on", "`git add` the project's files and `git commit` them")
    opened = open_project()
    changed = _changed_data(opened)
    opened.ledger.close()
    select(opened.pipeline.graph, plan.targets, here=opened.here, root=str(here.root))
    space = search_space.parse(plan.space, value_of=edits.value_of)
    if space.dimensions:
        lowest = [(each.name, each.draw(Fraction(0))) for each in space.dimensions]
        set_values(here.root, lowest, write=False)
    objective, direction = _objective(here, plan.objective)
    bounds.parse(plan.until) if plan.until else None
    sweep = Sweep(
        baseline=baseline,
        tree=trial_commits.tree_of_tracked(here.git_root),
        prefix=here.prefix,
        folder=opened.here,
        targets=plan.targets,
        space=space.texts,
        sampler=plan.sampler,
        n_trials=plan.n_trials,
        seed=plan.seed,
        objective=objective,
        direction=direction,
        until=plan.until,
    )
    _sampler(sweep)
    _note_unseen(here, changed, told)
    return sweep


def _objective(here: Project, name: str) -> tuple[str, str]:
    """The metric that the search is about, and its direction: what was named, else the only one that mlgit.yaml declares."""
    config = project.load_config(here)
    declared = config.directions
    if not name and len(declared) == 1:
        name = next(iter(declared))
    if not name:
        return "", ""
    direction = config.direction(name)
    if direction is None:
        raise MlgitError(
            f"--objective {name}: mlgit.yaml does not say whether higher or lower is better{errors.near_miss(name, declared)}",
            f"add to mlgit.yaml, under metrics: `{name}: {{direction: higher}}`",
        )
    return name, direction


def _sampler(sweep: Sweep) -> samplers.Sampler:
    space = search_space.parse(sweep.space, value_of=edits.value_of)
    if not space.dimensions:
        return _Once()
    return samplers.make(
        sweep.sampler,
        space,
        n_trials=sweep.n_trials,
        seed=sweep.seed,
        objective=sweep.objective,
        direction=sweep.direction,
    )


def _size(sweep: Sweep) -> int | None:
    """How many trials a search has at most, where that is known before."""
    space = search_space.parse(sweep.space, value_of=edits.value_of)
    sizes = [each for each in (space.size, sweep.n_trials) if each is not None]
    return min(sizes, default=None)


class _Once:
    """The search without settings: one trial of what lies in the working tree."""

    def ask(self, number: int, history: Sequence[samplers.ObservedTrial]) -> Mapping[str, Any] | None:
        """Nothing to set, once."""
        return {} if number == 1 else None


def _project_of(here: Project, sweep: Sweep) -> Project:
    """The project that a search is of: a repository can have several, and one queue for all of them."""
    found = Project(here.git_root / sweep.prefix, here.git_root)
    if not found.dvc_folder.is_dir():
        raise MlgitError(f"there is no project in '{sweep.prefix}' of this working tree", "`git switch` to where it is")
    return found


def _note_others(common: Path, sweeps: Sequence[Sweep], told: SweepReporter) -> None:
    others = [each for each in queue.asked(common) if each.id not in {mine.id for mine in sweeps}]
    if others and not queue.is_running(common):
        what = "a search" if len(others) == 1 else f"{len(others)} searches"
        told.note(
            f"{what} asked for before and not done will be run too; `mlgit exp remove --queued` gives up what is not done"
        )


def _opened(here: Project, common: Path, sweep: Sweep) -> Search:
    """A search as it stands: how its trials ended, which were begun, and what is recorded of the same baseline."""
    trial_commits.require_state(here.git_root, baseline=sweep.baseline, tree=sweep.tree)
    refs = [each for each in trial_refs.listed(here.git_root) if each.baseline == sweep.baseline]
    found = trial_refs.load(_project_of(here, sweep), refs).trials
    begun = [each for each in queue.load(common) if each.facts.sweep == sweep.id and each.status != "failed"]
    return Search(
        sweep,
        _sampler(sweep),
        until=bounds.parse(sweep.until) if sweep.until else None,
        ends=queue.ends(common, sweep),
        interrupted={each.facts.number: each.facts.changes for each in begun},
        recorded={each.name: RecordedTrial(each.commit, each.facts.changes) for each in found},
        size=_size(sweep),
    )


def _ended(common: Path, sweep: Sweep) -> Search:
    """A search of which nothing more is to be begun: how its trials ended, and which is best."""
    until = bounds.parse(sweep.until) if sweep.until else None
    return Search(sweep, _sampler(sweep), until=until, ends=queue.ends(common, sweep))


def _result(here: Project, searches: Sequence[Search], *, before: Mapping[str, Collection[int]], seconds: float) -> SweepResult:
    """The trials of searches: those in Git as they are read there, and those that failed; `before`: known by their number."""
    by_commit = {each.commit: each for each in trial_refs.listed(here.git_root)}
    ends = [(each.sweep, each.ends[number]) for each in searches for number in sorted(each.ends)]
    found: dict[str, Trial] = {}
    baselines: dict[str, Mapping[str, Any]] = {}
    for search in searches:
        refs = [by_commit[end.commit] for end in search.ends.values() if end.commit in by_commit]
        read = trial_refs.load(_project_of(here, search.sweep), refs, baselines=[search.sweep.baseline])
        found |= {each.commit: each for each in read.trials}
        baselines |= {each.commit: each.metrics for each in read.baselines}
    best = searches[-1].best()
    return SweepResult(
        searches[-1].sweep,
        trials=tuple(found.get(end.commit) or _unrecorded(sweep, end) for sweep, end in ends),
        best=best.name if best else "",
        seconds=seconds,
        known=sum(end.known or end.number in before[sweep.id] for sweep, end in ends),
        reached=any(each.reached for each in searches),
        baseline_metrics=baselines.get(searches[-1].sweep.baseline, {}),
    )


def _unrecorded(sweep: Sweep, end: TrialEnd) -> Trial:
    facts = TrialFacts(changes=end.changes, sweep=sweep.id, number=end.number, sampler=sweep.sampler, seconds=end.seconds)
    return Trial(end.name, sweep.baseline, "failed", params=end.changes, facts=facts, message=end.message, log=end.log)


def _changed_data(opened: Opened) -> list[str]:
    """The data that DVC tracks and that lies in the working tree as it is not recorded."""
    changed = []
    for stage in opened.pipeline.graph.stages:
        if stage.is_source and not stage.frozen:
            changed += [each.path for each in opened.ledger.reasons(stage) if each.kind == "out" and each.new not in _AWAY]
    return changed


def _note_unseen(here: Project, changed: Sequence[str], told: SweepReporter) -> None:
    """Say what no trial will see: files that Git neither tracks nor ignores, and data that was changed since it was tracked."""
    found = git.run(here.root, "ls-files", "-z", "--others", "--exclude-standard").text.split("\0")
    others = [path for path in found if path]
    if others:
        told.note(f"{count(len(others), 'file')} not tracked by Git, so no trial sees it: {few(others)}; `git add` them")
    inside = [path for path in trial_commits.submodules(here.git_root) if path.startswith(here.prefix)]
    if inside:
        told.note(f"trials see nothing of submodules: {few(inside)}; track with DVC what stages read of them")
    if changed:
        told.note(f"changed since it was tracked, and trials see it as it was: {few(changed)}; `mlgit add` tracks it anew")
