"""Brings what is watched into the systems that people look at: Prometheus, its Pushgateway, alerts and a dashboard."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.system import files
from mlgit.commands import places
from mlgit.commands.model.open_registry import registry_of
from mlgit.errors import MlgitError
from mlgit.monitoring import alert_rules, chain, exposition, last_run, pushgateway, verdict_refs
from mlgit.monitoring import dashboard as dashboards
from mlgit.monitoring.exposition import MonitoredModel
from mlgit.registry import grammar, read
from mlgit.registry.grammar import Reference

_YEAR = 31_556_952.0
# What node_exporter's textfile collector reads.
_ENDING = ".prom"


@dataclass(frozen=True, slots=True)
class MonitorExport:
    """What was written: `text` is what Prometheus is told, about `models` as NAME#ENVIRONMENT; `files` are those written.

    `problems` say which models are not in it, and why.
    """

    text: str
    models: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    pushed: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """It could not be answered where a model is not in it."""
        return errors.EXIT_CANNOT_ANSWER if self.problems else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """What was done as JSON: schema 1. `text` is there where it went nowhere else."""
        return {
            "schema": 1,
            "models": list(self.models),
            "files": list(self.files),
            "pushed": self.pushed,
            "text": None if self.files or self.pushed else self.text,
            "problems": list(self.problems),
            "notes": list(self.notes),
        }


def export(
    word: str = "",
    *,
    prometheus: str = "",
    push_gateway: str = "",
    alerts: str = "",
    dashboard: str = "",
    labels: Sequence[str] = (),
) -> MonitorExport:
    """Write the last verdict about NAME, NAME#ENVIRONMENT, or ('') all that were ever judged.

    `prometheus`, `alerts` and `dashboard` are files to write, `push_gateway` the address of a Pushgateway; `labels` are
    added to every sample. Alerts and dashboard are the same for every model, and need no verdict.
    Raises MlgitError where nothing was judged, and for what cannot be written.
    """
    more = exposition.check_labels(labels)
    chosen = {"--prometheus": prometheus, "--alerts": alerts, "--dashboard": dashboard}
    _refuse_twice(chosen)
    models: list[MonitoredModel] = []
    problems: list[str] = []
    gone: list[str] = []
    if word or prometheus or push_gateway or not (alerts or dashboard):
        root = read.root_of(Path.cwd())
        refs, gone = _refs(root, word)
        models, problems = _models(root, refs, word)
    text = exposition.render(models, labels=more)
    contents = {prometheus: text, alerts: alert_rules.rules() if alerts else "", dashboard: dashboards.dashboard()}
    written = [path for path in chosen.values() if path]
    for path in written:
        files.write_atomic(Path(path), contents[path])
    for each in models if push_gateway else ():
        group = {"model": each.verdict.model, "environment": each.verdict.environment, **more}
        pushgateway.push(push_gateway, exposition.render([each], labels=more), group=group)
    names = tuple(f"{each.verdict.model}#{each.verdict.environment}" for each in models)
    pushed = len(models) if push_gateway else 0
    return MonitorExport(text, names, tuple(written), pushed, tuple(problems), (*gone, *_notes(prometheus, models)))


def _refuse_twice(chosen: dict[str, str]) -> None:
    places_of = Counter(os.path.realpath(path) for path in chosen.values() if path)
    if most := next((path for path, number in places_of.items() if number > 1), ""):
        options = [option for option, path in chosen.items() if path and os.path.realpath(path) == most]
        raise MlgitError(f"{' and '.join(options)} name the same file", "give each a file of its own")


def _notes(prometheus: str, models: Sequence[MonitoredModel]) -> Iterator[str]:
    if prometheus and not prometheus.endswith(_ENDING):
        yield f"{prometheus}: node_exporter reads files whose names end in {_ENDING}"
    for each in models:
        if each.last_run is None:
            name = f"{each.verdict.model}#{each.verdict.environment}"
            yield f"{name}: `mlgit monitor run` has not been in this clone, so nobody is told when it was"


def _models(root: Path, refs: Sequence[str], word: str) -> tuple[list[MonitoredModel], list[str]]:
    """What is known of each model that was asked for; and what is wrong with those of which nothing is."""
    found: list[MonitoredModel] = []
    problems: list[MlgitError] = []
    for ref in refs:
        try:
            found += [each] if (each := _model(root, ref)) else []
        except MlgitError as error:  # one that somebody broke hides no other
            problems.append(error)
    if not found:
        raise problems[0] if problems else MlgitError(f"no window of {word or 'any model'} was judged", _run(word or "NAME"))
    return found, [f"{each}; {each.hint}" if each.hint else str(each) for each in problems]


def _run(name: str) -> str:
    return f"`mlgit monitor run {name}` judges windows; `mlgit pull` brings what others judged"


def _refs(root: Path, word: str) -> tuple[list[str], list[str]]:
    """The chains that are asked for; without a word all but those of environments that are empty now, which are told."""
    known = {ref: place for ref in verdict_refs.names(root) if (place := chain.place_of(ref))}
    if not word:
        artifacts = registry_of(root).artifacts
        # a clone without tags knows of no artifact, and leaves nothing out
        empty = {
            ref: f"{model}#{environment}"
            for ref, (model, environment) in known.items()
            if model in artifacts and artifacts[model].current(environment) is None
        }
        return [ref for ref in known if ref not in empty], [
            f"{each}: left out, for nothing is in it" for each in empty.values()
        ]
    wanted = _reference(word)
    name = places.full_name(root, {model for model, _ in known.values()}, wanted.artifact)
    asked = (name, wanted.environment)
    return [ref for ref, (model, environment) in known.items() if asked in ((model, ""), (model, environment))], []


def _reference(word: str) -> Reference:
    found = grammar.reference(word)
    if found.version:
        raise MlgitError(f"'{word}': what is watched is an environment's version", f"type {found.artifact}#ENVIRONMENT")
    return found


def _model(root: Path, ref: str) -> MonitoredModel | None:
    found = verdict_refs.load(root, ref)
    last = found.latest
    if last is None:
        return None
    timeline = found.timeline
    counts: Counter[str] = Counter(each.verdict.verdict for each in timeline)
    looked = last_run.read(root, model=found.model, environment=found.environment)
    is_accepted, period = last.acceptance is not None, _period(root, found.model)
    return MonitoredModel(last.verdict, is_accepted, looked, period, dict(counts), exposition.standing(timeline))


def _period(root: Path, model: str) -> float | None:
    """The seconds of a window as mlgit.yaml of this checkout has it; None where it says nothing, or is not here."""
    try:
        project = places.project_of(root, model)
    except MlgitError:  # a mirror repository, or a branch without that model
        return None
    config = projects.load_config(project)
    local = model.rpartition(":")[2]
    per_year = config.monitoring(local if local in config.monitorings else model).windows.by.per_year
    return None if per_year is None else _YEAR / per_year
