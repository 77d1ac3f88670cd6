"""`mlgit.yaml`: what DVC has no word for. The tables below check it and are its JSON Schema."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit import gate_tables, metric_settings, model_settings, monitoring_settings, rules, serving_settings
from mlgit.errors import MlgitError
from mlgit.metric_settings import Direction, MetricDeclaration
from mlgit.model_settings import Model
from mlgit.monitoring_settings import Monitoring
from mlgit.rules import Gates
from mlgit.schema import Boolean, Either, Integer, Key, ListOf, MapOf, Nothing, Schema, Table, Text, check, json_schema
from mlgit.serving_settings import Serving

NAME = "mlgit.yaml"
_MOST_VALUES = 100_000

_REQUIRES = Table(
    (
        Key("gates", Text(choices=("pass", "none")), "pass: every gate rule must pass; none (default): not asked"),
        Key("card", Text(choices=("fresh", "complete", "none")), "fresh: up to date; complete: with nothing missing"),
        Key("approvals", Integer(minimum=0), "how many people other than the author must approve the version"),
        Key("signed", Boolean(), "whether the promotion must be a signed tag, by a key Git trusts"),
        Key("retrievable", Boolean(), "whether the model's bytes must be in the default DVC remote"),
        Key("scan", Text(choices=("clean", "none")), "clean: refuse a model file that can run code when loaded"),
    )
)

_ENVIRONMENT = Table(
    (
        Key("name", Text(pattern=r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9/_-]*[A-Za-z0-9]"), "its name, as in tags", required=True),
        Key("promotes_from", Text(), "the environment a version must have been in before"),
        Key("requires", _REQUIRES, "what a version must show to come here"),
    )
)


def _section(schema: Schema) -> Schema:
    """A mapping, or nothing: a section all of whose lines are comments is an empty one."""
    return Either((schema, Nothing()))


SCHEMA = Table(
    (
        Key("mlgit", Integer(choices=(1,)), "the version of this file's format: 1", required=True),
        Key(
            "metrics",
            _section(MapOf(metric_settings.SCHEMA)),
            "metric name (as in the metrics file, nested names joined by dots) -> its direction, and what it is made of",
        ),
        Key("models", _section(MapOf(_section(model_settings.SCHEMA))), "artifact of dvc.yaml -> what belongs to it"),
        Key("gates", _section(gate_tables.SCHEMA), "when a model is good enough"),
        Key("environments", ListOf(_ENVIRONMENT), "where models are deployed, in the order they get there"),
        Key("data", _section(MapOf(Text())), "a file of data, or a folder of parts -> the contract that it must keep"),
        Key(
            "monitoring", _section(MapOf(_section(monitoring_settings.SCHEMA))), "model -> how it is watched after its release"
        ),
        Key("serving", _section(MapOf(_section(serving_settings.SCHEMA))), "model -> how `mlgit serve` answers with it"),
    )
)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where models are deployed, and what a version must show to come there."""

    name: str
    promotes_from: str = ""
    gates: bool = False
    card: Literal["fresh", "complete", "none"] = "none"
    approvals: int = 0
    signed: bool = False
    retrievable: bool = False
    scan: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """The checked content of mlgit.yaml; the empty one stands for a project without the file.

    `declared` is what it says that metrics are made of, beyond their names.
    """

    directions: Mapping[str, Direction] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    environments: tuple[Environment, ...] = ()
    contracts: Mapping[str, str] = field(default_factory=dict)
    servings: Mapping[str, Serving] = field(default_factory=dict)
    monitorings: Mapping[str, Monitoring] = field(default_factory=dict)
    declared: tuple[MetricDeclaration, ...] = ()

    def direction(self, metric: str) -> Direction | None:
        """The declared direction of a metric: by its full dotted name, else by the last part of it."""
        return self.directions.get(metric) or self.directions.get(metric.rpartition(".")[2])

    def model(self, name: str) -> Model:
        """What is declared for an artifact; the defaults where nothing is."""
        return self.models.get(name) or model_settings.parse(name, {})

    def serving(self, name: str) -> Serving:
        """How an artifact is served; the defaults where nothing is declared."""
        return self.servings.get(name) or serving_settings.parse(name, {})

    def monitoring(self, name: str) -> Monitoring:
        """How an artifact is watched; the defaults where nothing is declared."""
        found = self.monitorings.get(name)
        return found or monitoring_settings.parse(name, None, environments=[each.name for each in self.environments])

    def environment(self, name: str) -> Environment | None:
        """A declared environment by name; None where environments are declared and this one is not.

        Without any declaration every name is an environment that asks for nothing.
        """
        found = next((each for each in self.environments if each.name == name), None)
        return found if found or self.environments else Environment(name)


def parse(document: Any, *, name: str = NAME) -> Config:
    """The configuration in a parsed document (None: an empty file is a fault, for the version is missing).

    Raises MlgitError naming the first fault as `mlgit.yaml: path: what`.
    """
    _refuse_vast(document, name=name)
    checked = {} if document is None else rules.with_text_days(document)
    check(checked, SCHEMA, name=name)
    environments = tuple(_environment(each) for each in checked.get("environments", []))
    _check_environments(environments, name=name)
    declared_environments = [each.name for each in environments]
    gates = rules.parse(_filled(checked, "gates"), name=name)
    monitorings = {
        each: monitoring_settings.parse(
            each,
            declared or {},
            where=f"{name}: monitoring.{each}",
            environments=declared_environments,
            rules=[rule.id for rule in gates.rules],
        )
        for each, declared in _filled(checked, "monitoring").items()
    }
    metrics = [
        metric_settings.parse(each, declared, where=f"{name}: metrics.{each}")
        for each, declared in _filled(checked, "metrics").items()
    ]
    directions = {each.name: each.direction for each in metrics}
    _check_names(checked, monitorings, name=name)
    made = tuple(metric for metric in metrics if metric.is_made or metric.max_missing)
    return Config(
        directions=directions | _directions_of_kpis(monitorings, directions, name=name),
        models={
            each: model_settings.parse(
                each,
                declared or {},
                where=f"{name}: models.{each}",
                kpis=monitorings[each].kpis.values() if each in monitorings else (),
                metrics=metrics,
                is_only=len(_filled(checked, "models")) == 1,
            )
            for each, declared in _filled(checked, "models").items()
        },
        gates=gates,
        environments=environments,
        servings={
            each: serving_settings.parse(
                each,
                declared or {},
                where=f"{name}: serving.{each}",
                environments=declared_environments,
            )
            for each, declared in _filled(checked, "serving").items()
        },
        monitorings=monitorings,
        contracts={posixpath.normpath(path): posixpath.normpath(file) for path, file in _filled(checked, "data").items()},
        declared=made,
    )


def _check_names(document: Mapping[str, Any], monitorings: Mapping[str, Monitoring], *, name: str) -> None:
    """Raise MlgitError for names that two things would have: METRIC@SET is a metric on a test set, kpi.NAME a KPI."""
    models = _filled(document, "models")
    sets = {each for declared in models.values() for each in (declared or {}).get("tests", {})}
    kpis = {each.metric for monitoring in monitorings.values() for each in monitoring.kpis.values()}
    for metric, declared in _filled(document, "metrics").items():
        plain, at, test_set = metric.rpartition("@")
        if at and test_set in sets:
            raise MlgitError(
                f"{name}: metrics.{metric}: so is called {plain or 'a metric'} on the test set {test_set}",
                "give the metric, or the test set, another name",
            )
        if metric in kpis and declared.keys() - {"direction"}:
            raise MlgitError(
                f"{name}: metrics.{metric}: a KPI is called so, and says what it is made of", "give it another name"
            )
    for model in models:
        plain, at, test_set = model.rpartition("@")
        if at and test_set in ((models.get(plain) or {}).get("tests", {})):
            raise MlgitError(
                f"{name}: models.{model}: so is called the test set {test_set} of {plain}", "give the model another name"
            )


def _directions_of_kpis(
    monitorings: Mapping[str, Monitoring], declared: Mapping[str, Direction], *, name: str
) -> dict[str, Direction]:
    """The directions of KPIs by the names of their metrics. Raises MlgitError where one name is better both ways."""
    found: dict[str, Direction] = {}
    for model, monitoring in monitorings.items():
        for kpi in monitoring.kpis.values():
            known = declared.get(kpi.metric) or found.setdefault(kpi.metric, kpi.direction)
            if known != kpi.direction:
                raise MlgitError(
                    f"{name}: monitoring.{model}.kpis.{kpi.name}.direction: {kpi.direction}, and {known} elsewhere",
                    "give one of them another name",
                )
    return found


def _filled(document: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = document.get(section)
    return found or {}


def _refuse_vast(document: Any, *, name: str) -> None:
    """A few lines of YAML whose aliases name one another stand for more values than any machine could look at."""
    waiting, seen = [document], 0
    while waiting:
        each = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise MlgitError(f"{name}: more than {_MOST_VALUES} values", "write it without aliases (`*name`)")
        waiting.extend(each.values() if isinstance(each, Mapping) else each if isinstance(each, list) else ())


def _environment(declared: Mapping[str, Any]) -> Environment:
    requires = declared.get("requires", {})
    return Environment(
        declared["name"],
        declared.get("promotes_from", ""),
        gates=requires.get("gates") == "pass",
        card=requires.get("card", "none"),
        approvals=requires.get("approvals", 0),
        signed=requires.get("signed", False),
        retrievable=requires.get("retrievable", False),
        scan=requires.get("scan") == "clean",
    )


def _check_environments(environments: tuple[Environment, ...], *, name: str) -> None:
    known: set[str] = set()
    for index, each in enumerate(environments):
        if each.name in known:
            raise MlgitError(f"{name}: environments[{index}].name: '{each.name}' is there twice", "take one of them out")
        if each.promotes_from and each.promotes_from not in known:
            raise MlgitError(
                f"{name}: environments[{index}].promotes_from: '{each.promotes_from}' is not an environment declared above it",
                "list environments in the order a version gets there",
            )
        known.add(each.name)


def document_schema() -> dict[str, Any]:
    """The JSON Schema of mlgit.yaml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlgit.yaml",
        "description": "What mlgit needs to know beyond dvc.yaml.",
    } | json_schema(SCHEMA)
