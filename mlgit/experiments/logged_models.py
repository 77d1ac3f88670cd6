"""Models that code logged: one ref each, with the metrics of the runs that measured them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from mlgit.experiments import run_codec
from mlgit.experiments.record_refs import KindOfRecord, RecordRefs, Repository, retried
from mlgit.experiments.run import MODELS, LoggedRun, MissingRecordError, ModelRecord, is_model_id
from mlgit.experiments.run_artifacts import FileChanges, FileContents
from mlgit.experiments.run_codec import LoggedFiles

_KIND = KindOfRecord(
    MODELS,
    run_codec.MODEL_FILE,
    "logged model",
    is_model_id,
    lambda content, where, commit: run_codec.decode_model(content, where=where, commit=commit),
)


class LoggedModels:
    """The logged models of one repository; `runs` reads a run by its id, `contents` are the files that are kept."""

    def __init__(self, repository: Repository, *, runs: Callable[[str], LoggedRun], contents: FileContents) -> None:
        self._refs = RecordRefs(repository, _KIND)
        self._runs, self._contents = runs, contents
        self._measured_by: set[tuple[str, str]] = set()

    def get(self, model_id: str) -> ModelRecord:
        """The logged model with this id, deleted or not. Raises MissingRecordError for none."""
        return self._measured(self._refs.get(model_id))

    def all(self, experiment_ids: Iterable[str] | None = None) -> list[ModelRecord]:
        """All logged models, deleted ones too, or those of some experiments; in no order."""
        wanted = None if experiment_ids is None else set(experiment_ids)
        found = self._refs.all().values()
        return [self._measured(each) for each in found if wanted is None or each.experiment_id in wanted]

    def create(
        self,
        experiment_id: str,
        *,
        name: str,
        source_run_id: str = "",
        model_type: str = "",
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        when: int | None = None,
        model_id: str = "",
    ) -> ModelRecord:
        """A new logged model, PENDING until its files are all there. Its experiment is not looked at."""
        made = _now() if when is None else when
        each = ModelRecord(
            model_id or f"m-{uuid.uuid4().hex}",
            experiment_id,
            name,
            "PENDING",
            made,
            made,
            model_type,
            source_run_id,
            dict(params or {}),
            dict(tags or {}),
        )
        self._refs.write(each.id, content=run_codec.encode_model(each), upon="", message=f"Begin {name}", when=made)
        return self.get(each.id)

    def finalize(self, model_id: str, *, status: str) -> ModelRecord:
        """Say how a logged model ended: READY or FAILED."""
        return self._change(model_id, lambda each: replace(each, status=status), what=f"Finalize as {status}")

    def add_params(self, model_id: str, *, params: Mapping[str, str]) -> ModelRecord:
        """Add parameters."""
        return self._change(model_id, lambda each: replace(each, params={**each.params, **params}), what="Log parameters")

    def set_tags(self, model_id: str, *, tags: Mapping[str, str]) -> ModelRecord:
        """Set tags."""
        return self._change(model_id, lambda each: replace(each, tags={**each.tags, **tags}), what="Set tags")

    def delete_tag(self, model_id: str, *, key: str) -> bool:
        """Take a tag away; whether there was one."""
        tags = self._refs.get(model_id).tags
        if key not in tags:
            return False
        left = {name: value for name, value in tags.items() if name != key}
        self._change(model_id, lambda each: replace(each, tags=left), what=f"Take away {key}")
        return True

    def delete(self, model_id: str) -> None:
        """Mark a logged model as deleted."""
        self._change(model_id, lambda each: replace(each, deleted=_now()), what="Delete")

    def measured_by(self, model_id: str, *, run_id: str) -> None:
        """Note that a run measured a logged model; nothing for a model that is not here."""
        if (model_id, run_id) in self._measured_by:
            return
        found = self._refs.find(model_id)
        if found is not None and run_id not in found.metric_runs:
            self._change(model_id, lambda each: replace(each, metric_runs=(*each.metric_runs, run_id)), what="Measure")
        if found is not None:
            self._measured_by.add((model_id, run_id))

    def _measured(self, each: ModelRecord) -> ModelRecord:
        points = []
        for run_id in each.metric_runs:
            try:
                run = self._runs(run_id)
            except MissingRecordError:
                continue
            points += [replace(point, run_id=run_id) for point in run.model_metrics if point.model_id == each.id]
        return replace(each, metrics=tuple(points)) if points else each

    def files(self, model_id: str) -> tuple[str, LoggedFiles]:
        """The commit of a logged model, and the files that it keeps."""
        commit = self._refs.get(model_id).commit
        return commit, self._contents.listed(commit)

    def change_files(self, model_id: str, changes: FileChanges) -> None:
        """Keep other files with a logged model: path -> bytes and digest, None for away."""
        self._change(model_id, lambda each: each, what="Log files", files=changes)

    def _change(
        self,
        model_id: str,
        change: Callable[[ModelRecord], ModelRecord],
        *,
        what: str,
        files: FileChanges | None = None,
    ) -> ModelRecord:
        def write() -> None:
            before = self._refs.get(model_id)
            when = _now()
            content = run_codec.encode_model(replace(change(before), updated=when))
            rows = self._refs.rows_of(before.commit)
            rows |= self._contents.rows(before.commit, files) if files else {}
            self._refs.write(model_id, content=content, upon=before.commit, message=what, when=when, rows=rows)

        retried(write)
        return self.get(model_id)


def _now() -> int:
    return time.time_ns() // 1_000_000
