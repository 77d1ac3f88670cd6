"""One trial from end to end, in a working tree of its own: what a worker of `mlgit exp run` does."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlgit.commands.open_project import open_project
from mlgit.commands.run import RunReporter, RunResult, run
from mlgit.commands.set_parameters import set_values
from mlgit.commands.stage_failures import cause, last_lines
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.experiments import sweep as sweeps
from mlgit.experiments import trial_commits, worktrees
from mlgit.experiments.links import LinkClosedError
from mlgit.experiments.sweep import Sweep, TrialEnd
from mlgit.experiments.trial import TrialFacts, ref_of
from mlgit.experiments.trial_workers import WorkerAdmission
from mlgit.experiments.worktrees import TrialTree
from mlgit.pipeline.model import Stage
from mlgit.pipeline.scheduler import Result
from mlgit.pipeline.status import Reason

_LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class TrialSetting:
    """What all trials of a command have in common.

    `git_root` is the user's repository, `common` its folder of mlgit's own, `who` is who records trials.
    """

    git_root: Path
    common: Path
    who: str
    jobs: int = 1
    force: bool = False
    pull: bool = False
    compute_if_unreachable: bool = False
    executor: str = table.LOCAL
    cluster: str | None = None


class TrialWorker:
    """Runs trials one after the other; the working tree is borrowed with the first, in the process that runs it."""

    def __init__(self, setting: TrialSetting) -> None:
        self._setting = setting
        self._stack = ExitStack()
        self._tree: TrialTree | None = None
        self._local: dict[str, str] = {}

    def __call__(self, work: Mapping[str, Any], admission: WorkerAdmission) -> dict[str, Any]:
        """Do a trial (`work`: its number, name, changes and search) and give its end as a document."""
        sweep = sweeps.read(work["sweep"])
        assert sweep is not None
        began, clock = time.time(), time.monotonic()
        end = TrialEnd(work["number"], work["name"], "failed", changes=work["changes"])
        try:
            tree = self._prepared(sweep)
            admission.tell({"folder": str(tree.root)})
            with _environment(sweep, end.name):
                result = self._run(tree, sweep, end.changes, admission)
            end = replace(end, stages=Counter[str](each.state for each in result.stages))
            if result.failed or result.unanswered:
                message, log = self._failure(result, end.name)
                end = replace(end, message=message, log=log)
            else:
                facts = _facts(sweep, end, started=began, seconds=time.monotonic() - clock)
                commit = self._record(tree, sweep, result, facts, name=end.name, replaced=work["replaced"])
                end = replace(end, status="finished", commit=commit)
        except MlgitError as error:
            end = replace(end, message=f"{error.message}\n{error.hint}" if error.hint else error.message)
        except LinkClosedError:
            raise
        except OSError as error:  # a full disk, a folder that may not be written, or that a stage took away
            end = replace(end, message=f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return replace(end, seconds=time.monotonic() - clock).document()

    def close(self) -> None:
        """Give the working tree back."""
        self._stack.close()

    def _prepared(self, sweep: Sweep) -> TrialTree:
        setting = self._setting
        if self._tree is None:
            self._tree = self._stack.enter_context(worktrees.borrowed(setting.git_root, setting.common))
        tree, prefix = self._tree, sweep.prefix
        if prefix not in self._local:  # a repository can have several projects, each with a cache of its own
            self._local[prefix] = worktrees.local_settings(setting.git_root / prefix / ".dvc")
        tree.prepare(baseline=sweep.baseline, tree=sweep.tree, prefix=prefix, local_settings=self._local[prefix])
        here = tree.root / sweep.folder
        here.mkdir(parents=True, exist_ok=True)  # one that Git does not track, for nothing in it is
        os.chdir(here)
        return tree

    def _run(self, tree: TrialTree, sweep: Sweep, changes: Mapping[str, Any], admission: WorkerAdmission) -> RunResult:
        setting = self._setting
        set_values(tree.root, list(changes.items()))
        if tree.keeps:
            pipeline = open_project().pipeline
            tree.drop_undeclared({out.target for stage in pipeline.graph.stages for out in stage.outs})
        result = run(
            sweep.targets,
            jobs=1 if setting.executor != table.LOCAL and setting.cluster is None else setting.jobs,  # each has a cluster
            force=setting.force,
            pull=setting.pull,
            compute_if_unreachable=setting.compute_if_unreachable,
            executor=setting.executor,
            cluster=setting.cluster,
            reporter=_Told(admission),
            admission=admission,
        )
        outs = [out for each in result.stages for out in each.stage.outs]
        tree.keep([out.target for out in outs if out.cache and not out.persist])
        return result

    def _failure(self, result: RunResult, name: str) -> tuple[str, str]:
        """Why a trial failed, and where what its stage printed is kept: its working tree is for the next trial."""
        if not result.failed:
            assert result.unanswered is not None
            return result.unanswered.message, ""
        first = result.failed[0]
        said = first.message if first.outcome is None else cause(first)
        told = last_lines(first.job.log)[-_LAST_LINES:] if first.job else []
        lines = [f"stage '{first.stage.address}' failed: {said}", *(f"  {each}" for each in told)]
        log = self._setting.common / "queue" / "logs" / f"{name}.log"
        if first.job is None or not first.job.log.is_file():
            return "\n".join(lines), ""
        log.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(first.job.log, log)
        return "\n".join(lines), str(log)

    def _record(self, tree: TrialTree, sweep: Sweep, result: RunResult, facts: TrialFacts, *, name: str, replaced: str) -> str:
        outs = [out for each in result.stages for out in each.stage.outs]
        folders = {_above(out.target) for out in outs}
        wanted = {f"{sweep.prefix}{out.target}" for out in outs if not out.cache}
        wanted |= {f"{sweep.prefix}{_above(each.stage.file)}dvc.lock" for each in result.stages}
        wanted |= {f"{sweep.prefix}{folder}.gitignore" for folder in folders}
        commit = trial_commits.commit(
            self._setting.git_root,
            tree,
            baseline=sweep.baseline,
            wanted=wanted,
            metrics={f"{sweep.prefix}{out.target}" for out in outs if out.kind == "metric" and not out.cache},
            facts=facts,
            who=self._setting.who,
        )
        ref = ref_of(sweep.baseline, name)
        return trial_commits.publish(self._setting.git_root, ref, commit=commit, changes=facts.changes, replaced=replaced)


class _Told(RunReporter):
    """Tells the other process which stages start and end, and looks whether it is still there."""

    def __init__(self, admission: WorkerAdmission) -> None:
        self._admission = admission

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        """Tell it."""
        self._admission.tell({"started": stage.address})

    def ended(self, result: Result) -> None:
        """Tell it."""
        if result.state != "unchanged":
            self._admission.tell({"ended": result.stage.address, "state": result.state})

    def tick(self) -> None:
        """Look whether anybody is there."""
        self._admission.check()


@contextmanager
def _environment(sweep: Sweep, name: str) -> Iterator[None]:
    """What the stages of a trial find in their environment: mlgit's name of the trial, and DVC's, which DVCLive looks for."""
    own = {"MLGIT_TRIAL": name, "DVC_EXP_NAME": name, "DVC_EXP_BASELINE_REV": sweep.baseline}
    os.environ.update(own)
    try:
        yield
    finally:
        for key in own:
            os.environ.pop(key, None)


def _facts(sweep: Sweep, end: TrialEnd, *, started: float, seconds: float) -> TrialFacts:
    return TrialFacts(
        changes=end.changes,
        sweep=sweep.id,
        number=end.number,
        sampler=sweep.sampler if sweep.space else "",
        space=sweep.space,
        n_trials=sweep.n_trials,
        seed=sweep.seed,
        objective=sweep.objective,
        direction=sweep.direction,
        started=round(started, 3),
        seconds=round(seconds, 3),
        stages=end.stages,
    )


def _above(path: str) -> str:
    """The folder of a path, '' or ending with '/'."""
    return path[: path.rfind("/") + 1]
