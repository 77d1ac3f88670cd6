"""Brings the runs of another store into the repository: each under its own id, so that what is here already is known again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from mlgit.adapters.git import fast_import, git
from mlgit.adapters.git.fast_import import NewCommit
from mlgit.experiments import run_codec
from mlgit.experiments.foreign_runs import ForeignRun, ForeignStore
from mlgit.experiments.record_refs import AUTHOR
from mlgit.experiments.run import (
    DEFAULT_ID,
    ENDED,
    MODELS,
    RUNS,
    STATUSES,
    ApiExperiment,
    LoggedRun,
    ModelRecord,
    is_model_id,
    is_run_id,
)
from mlgit.experiments.runs import RunStore
from mlgit.render.text import count

_MESSAGE = "Import from "
_COMMIT_TAG = "mlflow.source.git.commit"
_LAST_SECOND = 253_402_300_799
_MOST_TOLD = 20
_MANY = 1000


@dataclass(frozen=True, slots=True)
class RunsImported:
    """What an import did: how many runs are new, went on since the last one, were here, or were changed here and stay so."""

    title: str
    experiments: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    models: int = 0
    n_files: int = 0
    missed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Counts:
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    running: int = 0
    missed: list[str] = field(default_factory=list)


def bring(
    store: RunStore, source: ForeignStore, *, with_files: bool = True, note: Callable[[str], None] = lambda _: None
) -> RunsImported:
    """Bring all experiments, runs, logged models and their files; a second time brings what is new.

    A run that was changed here since stays as it is. Raises MlgitError where the source cannot be read: then no run of it
    was written.
    """
    ids, made = _experiments(store, source)
    runs, models = _Counts(), _Counts()
    places: list[tuple[str, str]] = []
    note(f"reading {source.title}")
    fast_import.write(store.root, _changed_runs(store, source, ids=ids, counts=runs, places=places))
    fast_import.write(store.root, _changed_models(store, source, ids=ids, counts=models, places=places))
    n_files = _files(store, source, places, note=note) if with_files else 0
    store.all()  # notes what is new, so that the first who lists runs need not open each
    missed = [*runs.missed, *models.missed, *source.missed()]
    if runs.running:
        missed.append(f"{count(runs.running, 'run')} did not end yet: import again when it did, for its files too")
    told = (*missed[:_MOST_TOLD], *([f"and {len(missed) - _MOST_TOLD:,} more"] if len(missed) > _MOST_TOLD else []))
    counts = (runs.new, runs.updated, runs.unchanged, runs.kept + models.kept, models.new + models.updated)
    return RunsImported(source.title, made, *counts, n_files, told)


def _experiments(store: RunStore, source: ForeignStore) -> tuple[dict[str, str], int]:
    """The id here of each experiment there, by its name; and how many are new."""
    here = {each.name: each for each in store.experiments.all()}
    ids: dict[str, str] = {}
    made = 0
    for each in source.experiments():
        name = (each.name.strip() and each.name) or f"experiment {each.id}"
        found = here.get(name)
        if found is None:
            found = here[name] = store.experiments.create(name, tags=each.tags, when=each.created)
            made += 1
            if each.deleted is not None:
                store.experiments.delete(found.id)
        else:
            _add_tags(store, found, each.tags)
        ids[each.id] = found.id
    return ids, made


def _add_tags(store: RunStore, found: ApiExperiment, tags: Mapping[str, str]) -> None:
    if found.deleted is None:
        for key in tags.keys() - found.tags.keys():
            store.experiments.set_tag(found.id, key=key, value=tags[key])


def _changed_runs(
    store: RunStore, source: ForeignStore, *, ids: Mapping[str, str], counts: _Counts, places: list[tuple[str, str]]
) -> Iterator[NewCommit]:
    here = {each.id: each for each in store.all()}
    known_commits: dict[str, str] = {}
    for found in source.runs():
        run = _run(found.run, ids, counts)
        if run is None:
            continue
        if run.status in ENDED:
            places.append((run.id, found.place))
        else:
            counts.running += 1
        before = here.get(run.id)
        if before is not None and (found.by_content or _bare(before) == _bare(run)):
            counts.unchanged += 1
            continue
        if before is not None and not _is_import(store.root, before.commit, run_codec.RUN_FILE):
            counts.kept += 1
            continue
        baseline = before.baseline if before else _baseline(store.root, run, known_commits)
        counts.new += before is None
        counts.updated += before is not None
        yield _commit_of_run(replace(run, baseline=baseline), found, upon=before.commit if before else "", title=source.title)


def _run(run: LoggedRun, ids: Mapping[str, str], counts: _Counts) -> LoggedRun | None:
    """A run as it will be here; None for one that cannot be."""
    if not is_run_id(run.id):
        counts.missed.append(f"the run '{run.id[:80]}' has no id that MLflow gives")
        return None
    if run.experiment_id not in ids:
        counts.missed.append(f"the run {run.id} is of no experiment that is there, and is put under Default")
    status = run.status if run.status in STATUSES else "RUNNING"
    return replace(run, experiment_id=ids.get(run.experiment_id, DEFAULT_ID), status=status)


def _bare(run: LoggedRun) -> bytes:
    """What another store can know of a run."""
    return run_codec.encode_run(replace(run, commit="", baseline="", code="", untracked=()))


def _commit_of_run(run: LoggedRun, found: ForeignRun, *, upon: str, title: str) -> NewCommit:
    contents: dict[str, bytes | None] = {run_codec.RUN_FILE: run_codec.encode_run(run)}
    if len(found.points) > len(run.metrics):  # else each metric has one point, which the run's file tells
        rows = (run_codec.compact(run_codec.point_out(each)) for each in found.points)
        contents[run_codec.METRICS_FILE] = "".join(f"{each}\n" for each in dict.fromkeys(rows)).encode("utf-8", "replace")
    elif upon:
        contents[run_codec.METRICS_FILE] = None
    when = _signature(run.end_time or run.start_time)
    return NewCommit(f"{RUNS}{run.id}", upon or run.baseline, f"{_MESSAGE}{title}\n", when, contents, keeps=bool(upon))


def _changed_models(
    store: RunStore, source: ForeignStore, *, ids: Mapping[str, str], counts: _Counts, places: list[tuple[str, str]]
) -> Iterator[NewCommit]:
    here = {each.id: each for each in store.models.all()}
    for found in source.models():
        if not is_model_id(found.model.id):
            counts.missed.append(f"the logged model '{found.model.id[:80]}' has no id that MLflow gives")
            continue
        model = replace(found.model, experiment_id=ids.get(found.model.experiment_id, DEFAULT_ID), metrics=())
        places.append((model.id, found.place))
        before = here.get(model.id)
        content = run_codec.encode_model(model)
        if before is not None and run_codec.encode_model(before) == content:
            counts.unchanged += 1
            continue
        if before is not None and not _is_import(store.root, before.commit, run_codec.MODEL_FILE):
            counts.kept += 1
            continue
        counts.new += 1
        yield _commit_of_model(model, content, upon=before.commit if before else "", title=source.title)


def _commit_of_model(model: ModelRecord, content: bytes, *, upon: str, title: str) -> NewCommit:
    ref = f"{MODELS}{model.id}"
    contents = {run_codec.MODEL_FILE: content}
    return NewCommit(ref, upon, f"{_MESSAGE}{title}\n", _signature(model.updated), contents, keeps=bool(upon))


def _is_import(root: Path, commit: str, file: str) -> bool:
    """Whether a record is as it was imported, whatever files it got since."""
    if not commit:  # it is being logged here
        return False
    last = git.run(root, "log", "-1", "--first-parent", "--format=%H", f"--grep=^{_MESSAGE}", commit).text.strip()
    names = [f"{each}:{file}" for each in (last, commit)]
    return bool(last) and len(set(git.run(root, "rev-parse", *names, check=False).text.split())) == 1


def _baseline(root: Path, run: LoggedRun, known: dict[str, str]) -> str:
    """The commit that a run says it was started from, where this repository has it."""
    told = run.tags.get(_COMMIT_TAG, "")
    if told not in known:
        known[told] = ""
        if len(told) in (40, 64) and all(each in "0123456789abcdef" for each in told):
            done = git.run(root, "cat-file", "-e", f"{told}^{{commit}}", check=False)
            known[told] = told if done.code == 0 else ""
    return known[told]


def _signature(milliseconds: int) -> str:
    return f"{AUTHOR} {min(max(milliseconds // 1000, 0), _LAST_SECOND)} +0000"


def _files(store: RunStore, source: ForeignStore, places: Collection[tuple[str, str]], *, note: Callable[[str], None]) -> int:
    """Keep the files of runs and models that are not kept yet; how many."""
    n_files = 0
    if len(places) > _MANY:
        note(f"looking for the files of {len(places):,} runs and models")
    for owner, place in places:
        with source.files(place, known=partial(store.artifacts.paths, owner)) as found:
            if found:
                store.artifacts.put(owner, found)
                n_files += len(found)
    return n_files
