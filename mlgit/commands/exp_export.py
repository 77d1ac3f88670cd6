"""Sends trials and runs to MLflow, for those who look at them there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlgit import errors, project
from mlgit.adapters.git import git
from mlgit.commands import exp_trials
from mlgit.errors import MlgitError
from mlgit.experiments import mlflow_export
from mlgit.experiments.mlflow_export import RunsExported, RunToSend
from mlgit.experiments.run import LoggedRun, MetricPoint
from mlgit.experiments.runs import RunStore
from mlgit.experiments.trial import Trial


@dataclass(frozen=True, slots=True)
class Exported:
    """What was sent."""

    sent: RunsExported

    @property
    def exit_code(self) -> int:
        """Yes: what could not be sent is told."""
        return errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        sent = self.sent
        return {
            "schema": 1,
            "target": sent.title,
            "runs": sent.new,
            "updated": sent.updated,
            "unchanged": sent.unchanged,
            "experiments": sent.experiments,
            "models": sent.models,
            "files": sent.n_files,
            "missed": list(sent.missed),
        }


def export_experiments(
    uri: str,
    *,
    experiments: Collection[str] = (),
    with_trials: bool = True,
    with_files: bool = True,
    note: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Send the runs of this repository, and the trials of its project, to a store of MLflow.

    `experiments` are names: only those are sent (the trials are called as the project's folder is). What is there already is
    known again. Raises MlgitError where the store cannot be written, and for an experiment that is not here.
    """
    root = git.repository(Path.cwd())
    if root is None:
        raise MlgitError("this folder is in no Git repository", "go to the project")
    store = RunStore(root)
    runs = mlflow_export.stored(store)
    if with_trials and (root / ".git").exists():
        runs = [*_trials(), *runs]
    wanted = set(experiments)
    known = {each.experiment for each in runs}
    if lacking := wanted - known:
        name = min(lacking)
        raise MlgitError(
            f"no run or trial here is of an experiment '{name}'{errors.near_miss(name, known)}", "name one that is"
        )
    chosen = [each for each in runs if not wanted or each.experiment in wanted]
    note(f"sending {len(chosen):,} runs")
    return Exported(mlflow_export.send(store, chosen, uri, with_files=with_files))


def _trials() -> list[RunToSend]:
    """The recorded trials of the project, as runs of an experiment that is called as its folder is."""
    try:
        here = project.find()
    except MlgitError:  # runs can be logged where nothing is a pipeline
        return []
    gathered = exp_trials.gather(here, everything=True)
    return [_as_run(each, here.root.name) for each in gathered.trials if each.commit]


def _as_run(trial: Trial, experiment: str) -> RunToSend:
    facts = trial.facts
    begun = int((facts.started or 0) * 1000)
    ended = begun + int((facts.seconds or 0) * 1000)
    tags = {"mlgit.trial": trial.name, "mlflow.source.git.commit": trial.baseline}
    tags |= {key: value for key, value in (("mlgit.sweep", facts.sweep), ("mlgit.sampler", facts.sampler)) if value}
    points = tuple(MetricPoint(key, float(value), ended) for key, value in _numbers(trial.metrics).items())
    run = LoggedRun(
        trial.commit,
        "",
        trial.name,
        "",
        "FINISHED",
        begun,
        ended,
        params={key: str(value) for key, value in trial.params.items()},
        tags=tags,
        commit=trial.commit,
    )
    return RunToSend(run, experiment, partial(tuple, points), has_files=False)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: value for key, value in values.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
