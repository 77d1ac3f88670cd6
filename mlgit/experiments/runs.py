"""Runs logged from code, in the repository of the project: begun, written to, read, edited after their end."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.experiments import run_codec
from mlgit.experiments.logged_models import LoggedModels
from mlgit.experiments.record_refs import KindOfRecord, RecordRefs, Repository, retried
from mlgit.experiments.run import (
    DEFAULT_ID,
    NAME_TAG,
    RUNS,
    STAGE_TAG,
    TRIAL_TAG,
    ChangedParamError,
    DeletedRecordError,
    LoggedRun,
    MetricPoint,
    ModelOutput,
    RunDataset,
    is_run_id,
)
from mlgit.experiments.run_artifacts import RunArtifacts
from mlgit.experiments.run_experiments import RunExperiments
from mlgit.experiments.run_fold import Event, RunFold

_KIND = KindOfRecord(
    RUNS,
    run_codec.RUN_FILE,
    "run",
    is_run_id,
    lambda content, where, commit: run_codec.decode_run(content, where=where, commit=commit),
)


class RunStore:
    """All runs, experiments and logged models of one repository. Threads may share it.

    `experiments`, `models` and `artifacts` have the verbs for those. Whatever is refused is an MlgitError: MissingRecordError,
    DeletedRecordError, ExistingRecordError and ChangedParamError tell the kind.
    """

    def __init__(self, root: Path) -> None:
        self._repository = Repository(root)
        self._refs = RecordRefs(self._repository, _KIND)
        self.experiments = RunExperiments(self._repository)
        self.models = LoggedModels(self._repository, runs=self.get)
        self.artifacts = RunArtifacts(self._repository)

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
        started = start_time if start_time is not None else now()
        baseline = "" if git.is_bare(self.root) else git.head(self.root)
        run = LoggedRun(
            run_id or uuid.uuid4().hex, experiment_id, name, user, "RUNNING", started, tags=known, baseline=baseline
        )
        message = f"Begin {run.name or run.id}"
        self._refs.write(
            run.id, run_codec.encode_run(run), upon="", message=message, when=started, parents=[baseline] if baseline else []
        )
        return self.get(run.id)

    def get(self, run_id: str) -> LoggedRun:
        """The run with this id, deleted or not. Raises MissingRecordError for none."""
        return self._refs.get(run_id)

    def all(self, experiment_ids: Iterable[str] | None = None) -> list[LoggedRun]:
        """All runs, deleted ones too, or those of some experiments; in no order."""
        found = self._refs.all().values()
        wanted = None if experiment_ids is None else set(experiment_ids)
        return [each for each in found if wanted is None or each.experiment_id in wanted]

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
        events: list[Event] = [["p", key, value] for key, value in (params or {}).items()]
        events += [["t", key, value] for key, value in (tags or {}).items()]
        events += [["m", *run_codec.point_out(each)] for each in metrics]
        if events:
            self._change(run_id, events, points=metrics)
        for model_id in {each.model_id for each in metrics if each.model_id}:
            self.models.measured_by(model_id, run_id=run_id)

    def update(
        self, run_id: str, *, status: str | None = None, end_time: int | None = None, name: str | None = None
    ) -> LoggedRun:
        """Change the status, the end or the name of a run; what is None stays. A status of `ENDED` records the run in Git."""
        told = {"status": status, "end_time": end_time, "name": name or None}
        changes = {key: value for key, value in told.items() if value is not None}
        if changes:
            self._change(run_id, [["s", changes]])
        return self.get(run_id)

    def delete(self, run_id: str) -> None:
        """Mark a run as deleted; one that is already stays so."""
        if self.get(run_id).deleted is None:
            self._change(run_id, [["del", now()]])

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
        commit = self.get(run_id).commit
        content = self._refs.file_of(commit, run_codec.METRICS_FILE) or b""
        return run_codec.decode_points(content, where=f"{run_codec.METRICS_FILE} at {commit[:10]}")

    def seal_lost(self) -> tuple[str, ...]:
        """Record the runs whose writer is gone as KILLED, with all that they logged; their ids."""
        return ()

    def _change(
        self, run_id: str, events: list[Event], *, points: Sequence[MetricPoint] = (), also_deleted: bool = False
    ) -> None:
        def write() -> None:
            run = self.get(run_id)
            if run.deleted is not None and not also_deleted:
                raise DeletedRecordError(f"the run {run_id} was deleted", "restore it first")
            _refuse_changed(run, events)
            fold = RunFold(run)
            fold.apply(events)
            after = fold.run()
            content = self._refs.file_of(run.commit, run_codec.METRICS_FILE) or b""
            content += run_codec.encode_points(points)
            files = {run_codec.METRICS_FILE: self._repository.objects.blob(content)} if content else {}
            message = f"Log {', '.join(sorted({str(each[0]) for each in events}))}"
            self._refs.write(run_id, run_codec.encode_run(after), upon=run.commit, message=message, when=now(), files=files)

        retried(write)


def _refuse_changed(run: LoggedRun, events: Iterable[Event]) -> None:
    params = dict(run.params)
    for event in events:
        if event[0] == "p" and params.setdefault(event[1], event[2]) != event[2]:
            raise ChangedParamError(run.id, key=event[1], before=params[event[1]], after=event[2])


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
