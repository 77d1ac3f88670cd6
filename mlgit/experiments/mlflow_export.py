"""Sends runs to a store of MLflow, through MLflow: its server, a database, or its files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mlgit.adapters.system import files, installation
from mlgit.errors import MlgitError
from mlgit.experiments.run import ENDED, LoggedRun, MetricPoint, ModelRecord
from mlgit.experiments.runs import RunStore

# By these a run is known again: MLflow gives every run an id of its own.
ID_TAG, COMMIT_TAG = "mlgit.run", "mlgit.commit"
_PARENT = "mlflow.parentRunId"
_POINTS, _PARAMS = 1000, 100
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class RunToSend:
    """A run with the name of its experiment; `points` gives its history, where it has one."""

    run: LoggedRun
    experiment: str
    points: Callable[[], Sequence[MetricPoint]]
    has_files: bool = True


@dataclass(frozen=True, slots=True)
class RunsExported:
    """What was sent: how many runs are new there, or newer than there, or were there; and what could not be sent."""

    title: str
    experiments: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    models: int = 0
    n_files: int = 0
    missed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Counts:
    experiments: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    models: int = 0
    n_files: int = 0
    missed: list[str] = field(default_factory=list)


def stored(store: RunStore) -> list[RunToSend]:
    """The runs of a repository that ended, parents before those nested in them."""
    names = {each.id: each.name for each in store.experiments.all() if each.deleted is None}
    runs = [each for each in store.all() if each.deleted is None and each.experiment_id in names and each.status in ENDED]
    ordered = sorted(runs, key=lambda each: (each.start_time, each.id))
    known = {each.id for each in ordered}
    ordered.sort(key=lambda each: each.tags.get(_PARENT, "") in known)  # one level is all that MLflow shows
    return [RunToSend(each, names[each.experiment_id], _history(store, each.id)) for each in ordered]


def _history(store: RunStore, run_id: str) -> Callable[[], Sequence[MetricPoint]]:
    return lambda: store.points(run_id)


def send(store: RunStore, runs: Sequence[RunToSend], uri: str, *, with_files: bool = True) -> RunsExported:
    """Send runs with all that they hold; a run that is there as it is here stays, an older one is sent anew and deleted there.

    Raises MlgitError where MLflow is not installed, or its store cannot be written.
    """
    if uri.startswith("mlgit:"):
        raise MlgitError(f"{uri} is this very store", "name another one: http://HOST:PORT, sqlite:///PATH, or file:///PATH")
    sending = _Sending(store, _client(uri), with_files=with_files)
    with _told(uri):
        for each in runs:
            sending.send(each)
    counts = sending.counts
    return RunsExported(
        _shown(uri),
        *(counts.experiments, counts.new, counts.updated, counts.unchanged, counts.models, counts.n_files),
        missed=tuple(counts.missed),
    )


def _client(uri: str) -> Any:
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        hint = f"type `{installation.adding_extra('mlflow')}`"
        raise MlgitError("sending runs to MLflow needs its client, which is not installed", hint) from error
    for name in ("mlflow", "alembic"):  # making a database tells of every step
        logging.getLogger(name).setLevel(logging.WARNING)
    with _told(uri):
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
    return client


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Whatever MLflow and what it stands on raise, in its own words."""
    try:
        yield
    except MlgitError:
        raise
    except Exception as error:
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        hint = "set MLFLOW_ALLOW_FILE_STORE=true" if "MLFLOW_ALLOW_FILE_STORE" in str(error) else "does MLflow reach it itself?"
        login = uri.partition("://")[2].rpartition("@")[0]
        said = said.replace(f"{login}@", "") if login else said
        raise MlgitError(f"{_shown(uri)}: {said[:300]}", hint) from error


def _shown(uri: str) -> str:
    """A URI without the user and password in it."""
    scheme, mark, rest = uri.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


class _Sending:
    """One export: what is there already, and the ids that records got there."""

    def __init__(self, store: RunStore, client: Any, *, with_files: bool) -> None:
        self._store, self._client, self._with_files = store, client, with_files
        self._experiments: dict[str, str] = {}
        self._there: dict[str, dict[str, tuple[str, str]]] = {}  # experiment -> id here -> id there, commit
        self._ids: dict[str, str] = {}
        self._models: dict[str, str] = {}
        self._models_of: dict[str, list[ModelRecord]] | None = None
        self.counts = _Counts()

    def send(self, each: RunToSend) -> None:
        """Send a run that is not there as it is here."""
        experiment = self._experiment(each.experiment)
        there = self._known(experiment).get(each.run.id)
        if there is not None and there[1] == each.run.commit:
            self._ids[each.run.id] = there[0]
            self.counts.unchanged += 1
            return
        self._begin(each, experiment)
        if there is not None:
            self._client.delete_run(there[0])
        self.counts.updated += there is not None
        self.counts.new += there is None

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            if found is not None and found.lifecycle_stage == "deleted":
                raise MlgitError(f"the experiment '{name}' was deleted there", "restore it in MLflow, or rename it")
            self.counts.experiments += found is None
            self._experiments[name] = str(
                found.experiment_id if found else self._client.create_experiment(name, tags=self._tags(name))
            )
        return self._experiments[name]

    def _tags(self, name: str) -> dict[str, str]:
        found = self._store.experiments.named(name)
        return dict(found.tags) if found else {}

    def _known(self, experiment: str) -> dict[str, tuple[str, str]]:
        if experiment not in self._there:
            found: dict[str, tuple[str, str]] = {}
            token = None
            while True:
                page = self._client.search_runs([experiment], max_results=_PAGE, page_token=token)
                for each in page:
                    tags = each.data.tags
                    if ID_TAG in tags:
                        found[tags[ID_TAG]] = (each.info.run_id, tags.get(COMMIT_TAG, ""))
                token = page.token
                if not token:
                    break
            self._there[experiment] = found
        return self._there[experiment]

    def _begin(self, each: RunToSend, experiment: str) -> None:
        run = each.run
        tags = dict(run.tags) | {ID_TAG: run.id}
        if _PARENT in tags:
            tags[_PARENT] = self._ids.get(tags[_PARENT], tags[_PARENT])
        if run.user:
            tags.setdefault("mlflow.user", run.user)
        made = self._client.create_run(experiment, start_time=run.start_time, tags=tags, run_name=run.name or None)
        self._ids[run.id] = there = str(made.info.run_id)
        self._log_models(run, experiment, there)
        self._log_values(each, there)
        self._log_links(run, there)
        if self._with_files and each.has_files:
            self._log_files(run.id, lambda folder: self._client.log_artifacts(there, folder))
        self._client.set_terminated(there, status=run.status, end_time=run.end_time)
        self._client.set_tag(there, COMMIT_TAG, run.commit)  # last: without it the run is not all there

    def _log_values(self, each: RunToSend, there: str) -> None:
        from mlflow.entities import Metric, Param

        params = iter([Param(key, value) for key, value in each.run.params.items()])
        while part := list(islice(params, _PARAMS)):
            self._client.log_batch(there, params=part)
        points = iter(each.points())
        while rows := list(islice(points, _POINTS)):
            metrics = [
                Metric(
                    point.key,
                    point.value,
                    point.timestamp,
                    point.step,
                    model_id=self._models.get(point.model_id),
                    dataset_name=point.dataset_name or None,
                    dataset_digest=point.dataset_digest or None,
                )
                for point in rows
            ]
            self._client.log_batch(there, metrics=metrics)

    def _log_links(self, run: LoggedRun, there: str) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput

        datasets = [
            DatasetInput(
                Dataset(each.name, each.digest, each.source_type, each.source, each.schema, each.profile),
                [InputTag(key, value) for key, value in each.tags.items()],
            )
            for each in run.datasets
        ]
        inputs = [LoggedModelInput(self._models[each]) for each in run.model_inputs if each in self._models]
        outputs = [
            LoggedModelOutput(self._models[each.model_id], each.step)
            for each in run.model_outputs
            if each.model_id in self._models
        ]
        if datasets or inputs:
            self._client.log_inputs(there, datasets=datasets, models=inputs)
        if outputs:
            self._client.log_outputs(there, outputs)

    def _log_models(self, run: LoggedRun, experiment: str, there: str) -> None:
        """The logged models that a run made, before its metrics, which speak of them."""
        if self._models_of is None:
            self._models_of = {}
            for model in self._store.models.all():
                if model.deleted is None:
                    self._models_of.setdefault(model.source_run_id, []).append(model)
        for model in self._models_of.get(run.id, ()):
            made = self._client.create_logged_model(
                experiment,
                name=model.name,
                source_run_id=there,
                tags=dict(model.tags),
                params=dict(model.params),
                model_type=model.model_type or None,
            )
            self._models[model.id] = model_id = str(made.model_id)
            if self._with_files:
                self._log_files(model.id, lambda folder, to=model_id: self._client.log_model_artifacts(to, folder))  # type: ignore[misc]
            if model.status in ("READY", "FAILED"):
                self._client.finalize_logged_model(model_id, model.status)
            self.counts.models += 1

    def _log_files(self, owner: str, send: Callable[[str], Any]) -> None:
        paths = self._store.artifacts.paths(owner)
        if not paths:
            return
        with files.temporary_folder("export") as folder:
            n_sent = 0
            for path in paths:
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    self._store.artifacts.get(owner, path, to=target)
                    n_sent += 1
                except MlgitError as error:
                    self.counts.missed.append(f"{owner}: {path}: {error.message}")
            if n_sent:
                send(str(folder))
            self.counts.n_files += n_sent
