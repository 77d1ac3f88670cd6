"""Runs logged from code, in the repository of the project: begun, written to, read, edited after their end."""

from __future__ import annotations

import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.experiments import run_codec
from mlgit.experiments.live_runs import LiveRuns
from mlgit.experiments.logged_models import LoggedModels
from mlgit.experiments.record_refs import KindOfRecord, RecordRefs, Repository
from mlgit.experiments.run import (
    DEFAULT_ID,
    ENDED,
    MODELS,
    NAME_TAG,
    RUNS,
    STAGE_TAG,
    TRIAL_TAG,
    DeletedRecordError,
    LoggedRun,
    MetricPoint,
    ModelOutput,
    RunDataset,
    is_model_id,
    is_run_id,
)
from mlgit.experiments.run_artifacts import FileContents, RunArtifacts
from mlgit.experiments.run_code import CodeLook, CodeWatch, Head
from mlgit.experiments.run_codec import LoggedFiles
from mlgit.experiments.run_experiments import RunExperiments
from mlgit.experiments.run_fold import Event
from mlgit.experiments.run_sealing import RunSeals, as_lost
from mlgit.experiments.run_spool import RunSpool, SpoolGoneError

_KIND = KindOfRecord(
    RUNS,
    run_codec.RUN_FILE,
    "run",
    is_run_id,
    lambda content, where, commit: run_codec.decode_run(content, where=where, commit=commit),
)
_TRIES = 100
# Points logged to a run that ended stay in its spool, once the file of its metrics is dear to write anew for each.
_LARGE = 1 << 20
_MOST_POINTS = 500_000


class RunStore:
    """All runs, experiments and logged models of one repository. Threads may share it.

    `experiments`, `models` and `artifacts` have the verbs for those. Whatever is refused is an MlgitError: MissingRecordError,
    DeletedRecordError, ExistingRecordError and ChangedParamError tell the kind.
    """

    def __init__(self, root: Path, *, keep_code: bool = True) -> None:
        """`keep_code`: runs that begin here are made by the code of this working tree, as it is then."""
        repository = self._repository = Repository(root)
        self._refs = RecordRefs(repository, _KIND)
        self._live = LiveRuns(repository)
        self._contents = FileContents(repository)
        self._seals = RunSeals(repository, refs=self._refs, live=self._live, contents=self._contents)
        self._code = CodeWatch(root) if keep_code and not git.is_bare(root) else None
        self._points: OrderedDict[str, list[MetricPoint]] = OrderedDict()
        self._head = Head(repository)
        self._looks: dict[str, CodeLook] = {}
        self.experiments = RunExperiments(repository)
        self.models = LoggedModels(repository, runs=self.get, contents=self._contents)
        self.artifacts = RunArtifacts(self._contents, read=self._files, change=self._change_files)

    @property
    def root(self) -> Path:
        """The repository: the top of its working tree, or the folder of a bare one."""
        return self._repository.root

    def create(
        self,
        experiment_id: str = DEFAULT_ID,
        *,
        name: str = "",
        user: str = "",
        start_time: int | None = None,
        tags: Mapping[str, str] | None = None,
        run_id: str = "",
    ) -> LoggedRun:
        """Begin a run, RUNNING from `start_time` (now).

        Within a stage or a trial, a run of no other experiment than Default belongs to one that is called as the stage is.
        Raises MissingRecordError and DeletedRecordError for an experiment that takes none.
        """
        known = dict(tags or {})
        stage, trial = os.environ.get("MLGIT_STAGE", ""), os.environ.get("MLGIT_TRIAL", "")
        known |= {key: value for key, value in ((STAGE_TAG, stage), (TRIAL_TAG, trial)) if value}
        if experiment_id == DEFAULT_ID and (stage or trial):
            experiment_id = self.experiments.named_or_new(stage or trial).id
        if self.experiments.get(experiment_id).deleted is not None:
            raise DeletedRecordError(f"the experiment '{experiment_id}' was deleted", "restore it, or take another one")
        name = name or known.get(NAME_TAG, "")
        if name:
            known[NAME_TAG] = name
        baseline, tree = self._head.commit()
        run = LoggedRun(
            run_id or uuid.uuid4().hex,
            experiment_id,
            name,
            user,
            "RUNNING",
            _now() if start_time is None else start_time,
            tags=known,
            baseline=baseline,
        )
        self._live.begin(run)
        if self._code and tree:
            self._looks[run.id] = self._code.look(tree=tree)
        return run

    def get(self, run_id: str) -> LoggedRun:
        """The run with this id, deleted or not. Raises MissingRecordError for none."""
        spool = self._live.find(run_id)
        return _seen(spool) if spool else self._refs.get(run_id)

    def all(self, experiment_ids: Iterable[str] | None = None) -> list[LoggedRun]:
        """All runs, deleted ones too, or those of some experiments; in no order."""
        live = [spool for spool in map(self._live.find, self._live.ids()) if spool]  # first: none falls between the two
        found = self._refs.all() | {each.id: each for each in map(_seen, live)}
        wanted = None if experiment_ids is None else set(experiment_ids)
        return [each for each in found.values() if wanted is None or each.experiment_id in wanted]

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[MetricPoint] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log points of metrics, parameters and tags, all or nothing; also after the run ended.

        Raises MissingRecordError, DeletedRecordError, and ChangedParamError for a parameter that has another value.
        """
        events: list[Event] = [["m", *run_codec.point_out(each)] for each in metrics]
        if params or tags:
            events += [["p", key, value] for key, value in (params or {}).items()]
            events += [["t", key, value] for key, value in (tags or {}).items()]
        if events:
            self._change(run_id, events)
        for each in metrics:
            if each.model_id:
                self.models.measured_by(each.model_id, run_id=run_id)

    def update(
        self, run_id: str, *, status: str | None = None, end_time: int | None = None, name: str | None = None
    ) -> LoggedRun:
        """Change the status, the end or the name of a run; what is None stays. A status of `ENDED` records the run in Git."""
        told = {"status": status, "end_time": end_time, "name": name or None}
        changes = {key: value for key, value in told.items() if value is not None}
        return self._change(run_id, [["s", changes]]) if changes else self.get(run_id)

    def delete(self, run_id: str) -> None:
        """Mark a run as deleted; one that is already stays so."""
        if self.get(run_id).deleted is None:
            self._change(run_id, [["del", _now()]])

    def restore(self, run_id: str) -> None:
        """Take back that a run was deleted."""
        if self.get(run_id).deleted is not None:
            self._change(run_id, [["del", None]], also_deleted=True)

    def delete_tag(self, run_id: str, *, key: str) -> bool:
        """Take a tag away; whether there was one."""
        was_there = key in self.get(run_id).tags
        if was_there:
            self._change(run_id, [["dt", key]])
        return was_there

    def log_inputs(self, run_id: str, *, datasets: Iterable[RunDataset] = (), models: Iterable[str] = ()) -> None:
        """Log what a run used: datasets, and logged models by id. What is known by name and digest stays as it is."""
        events: list[Event] = [["in", run_codec.dataset_out(each)] for each in datasets]
        events += [["min", each] for each in models]
        if events:
            self._change(run_id, events)

    def log_outputs(self, run_id: str, *, models: Iterable[ModelOutput]) -> None:
        """Log which logged models a run made."""
        events: list[Event] = [["mout", each.model_id, each.step] for each in models]
        if events:
            self._change(run_id, events)

    def history(self, run_id: str, key: str) -> list[MetricPoint]:
        """All points of one metric of a run, each once, by time, step and value; [] where there are none."""
        found = dict.fromkeys(each for each in self.points(run_id) if each.key == key)
        return sorted(found, key=lambda each: (each.timestamp, each.step, each.order[2]))

    def points(self, run_id: str) -> list[MetricPoint]:
        """All points of all metrics of a run, in the order in which they were logged. Raises MissingRecordError."""
        spool = self._live.find(run_id)
        try:
            logged = spool.points() if spool else []
        except SpoolGoneError:  # sealed between two lines
            spool, logged = None, []
        run = spool.fold.start if spool else self._refs.get(run_id)
        return [*self._points_of(run), *logged]

    def _points_of(self, run: LoggedRun) -> list[MetricPoint]:
        """The points of a run as its commit has them; those of a few runs are kept, as each metric is asked for by itself."""
        kept = self._points.pop(run.commit, None)
        if kept is None:
            content = self._refs.file_of(run.commit, run_codec.METRICS_FILE)
            if content is None:
                return list(run.metrics.values())
            kept = run_codec.decode_points(content, where=f"{run_codec.METRICS_FILE} at {run.commit[:10]}")
        self._points[run.commit] = kept
        while sum(map(len, [*self._points.values()])) > _MOST_POINTS and len(self._points) > 1:
            self._points.popitem(last=False)
        return kept

    def seal_lost(self) -> tuple[str, ...]:
        """Record the runs whose writers are gone, as KILLED unless they ended, with all that they logged; their ids."""
        return self._seals.seal_lost()

    def orphans(self) -> list[Path]:
        """Contents of files that no run and no logged model keeps any more, and that lie here for a day.

        Raises MlgitError where a list of files cannot be read: what stands in it may be all there is of a run.
        """
        spools = [spool for spool in map(self._live.find, self._live.ids()) if spool]
        # of refs that hold no record any more, the files are not nobody's either
        commits = git.run(self.root, "for-each-ref", "--format=%(objectname)", RUNS, MODELS).text.split()
        commits += [spool.base for spool in spools if spool.base]
        kept = {md5 for listed in self._contents.listed_by(commits, strictly=True).values() for _, md5 in listed.values()}
        kept |= {each[1] for spool in spools for each in spool.fold.file_changes.values() if each}
        return self._contents.lying_without(kept)

    def _files(self, owner: str) -> tuple[str, LoggedFiles]:
        """The commit of a run or logged model, '' before the first one, and the files that it keeps."""
        if is_model_id(owner):
            return self.models.files(owner)
        spool = self._live.find(owner)
        commit = spool.base if spool else self._refs.get(owner).commit
        listed = self._contents.listed(commit)
        for path, kept in spool.fold.file_changes.items() if spool else ():
            listed.pop(path, None)
            if kept is not None:
                listed[path] = kept
        return commit, listed

    def _change_files(self, owner: str, events: list[list[Any]]) -> None:
        if is_model_id(owner):
            changes = {path: (rest[0], rest[1]) if kind == "a" else None for kind, path, *rest in events}
            self.models.change_files(owner, changes)
        else:
            self._change(owner, events)

    def _change(self, run_id: str, events: list[Event], *, also_deleted: bool = False) -> LoggedRun:
        for _ in range(_TRIES):
            spool = self._live.writing(run_id) or self._live.reopen(run_id, self._refs.get)
            try:
                spool.append([*self._code_of(run_id, events), *events], also_deleted=also_deleted)
            except SpoolGoneError:
                self._live.forget(run_id)
                continue
            if spool.fold.status in ENDED and not self._is_dear(spool, events):
                return self._seals.seal(spool) or self.get(run_id)
            return spool.fold.run()
        raise MlgitError(f"run {run_id}: other processes write to it all the time", "try again")

    def _code_of(self, run_id: str, events: Iterable[Event]) -> list[Event]:
        """What code a run is, where that is known by now or the run ends: told once."""
        look = self._looks.get(run_id)
        if look is None or not (look.is_ready or any(each[0] == "s" for each in events)):
            return []
        del self._looks[run_id]
        state = look.state()
        return [["c", state.tree, state.untracked]] if state.tree else []

    def _is_dear(self, spool: RunSpool, events: Iterable[Event]) -> bool:
        """Whether events are points for a run that ended, and has so many that they wait for more."""
        if not spool.base or any(each[0] != "m" for each in events):
            return False
        content = self._refs.file_of(spool.base, run_codec.METRICS_FILE) or b""
        return len(content) > _LARGE


def _seen(spool: RunSpool) -> LoggedRun:
    """A run as its spool tells it: KILLED where nobody is there to write to it."""
    run = spool.fold.run()
    return run if spool.is_written() else as_lost(run, when=spool.written or run.start_time)


def _now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
