"""`mlgit.yaml`: what DVC has no word for. The tables below check it and are its JSON Schema."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit import monitoring_settings, rules, serving_settings
from mlgit.errors import MlgitError
from mlgit.monitoring_settings import Kpi, Monitoring
from mlgit.rules import Gates
from mlgit.schema import Boolean, Either, Integer, Key, ListOf, MapOf, Nothing, Number, Schema, Table, Text, check, json_schema
from mlgit.serving_settings import Serving

NAME = "mlgit.yaml"
_MOST_VALUES = 100_000

Direction = Literal["higher", "lower"]

_METRIC = Table((Key("direction", Text(choices=("higher", "lower")), "which way is better: higher or lower", required=True),))

_CARD = Table(
    (
        Key("notes", Text(), "the human notes, default cards/NAME.yaml"),
        Key("out", Text(), "the generated card, default cards/NAME.md"),
        Key("profile", Text(choices=("hf", "annex-iv")), "what the card must hold: hf (default) or annex-iv"),
    )
)

_MODEL = Table(
    (
        Key("metrics", Text(), "the metrics file of this model, an output of the pipeline"),
        Key("predictions", Text(), "a table with one row per test example, an output of the pipeline"),
        Key("id", Text(), "the column of the predictions that names a row"),
        Key("label", Text(), "the column with the truth, default label"),
        Key("prediction", Text(), "the column with the prediction, default prediction"),
        Key("score", Text(), "the column with the probability or score, default score"),
        Key("positive", Either((Text(), Number(), Boolean())), "the label that counts as positive, of a model with two"),
        Key("slices", ListOf(Text()), "columns of the predictions to report metrics by"),
        Key(
            "cluster",
            Either((Text(), Nothing())),
            "the column that names the group of a row; default gates.stats.cluster, null: none",
        ),
        Key(
            "order",
            Either((Text(), Nothing())),
            "the column with the time of a row, of rows that are a series; excludes cluster",
        ),
        Key("train", ListOf(Text()), "the training data, as paths in the pipeline"),
        Key("test", ListOf(Text()), "the test data, as paths in the pipeline"),
        Key("card", _CARD, "the model card"),
    )
)

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
            _section(MapOf(_METRIC)),
            "metric name (as in the metrics file, nested names joined by dots) -> its direction",
        ),
        Key("models", _section(MapOf(_section(_MODEL))), "artifact of dvc.yaml -> what belongs to it"),
        Key("gates", _section(rules.SCHEMA), "when a model is good enough"),
        Key("environments", ListOf(_ENVIRONMENT), "where models are deployed, in the order they get there"),
        Key("data", _section(MapOf(Text())), "a file of data, or a folder of parts -> the contract that it must keep"),
        Key(
            "monitoring", _section(MapOf(_section(monitoring_settings.SCHEMA))), "model -> how it is watched after its release"
        ),
        Key("serving", _section(MapOf(_section(serving_settings.SCHEMA))), "model -> how `mlgit serve` answers with it"),
    )
)


@dataclass(frozen=True, slots=True)
class CardFiles:
    """Where a model's card and its notes lie, and the profile it is judged by."""

    notes: str
    out: str
    profile: str = "hf"


@dataclass(frozen=True, slots=True)
class Model:
    """What mlgit.yaml declares for one artifact; paths are relative to the project's root, '' where none is declared."""

    name: str
    card: CardFiles
    metrics: str = ""
    predictions: str = ""
    id: str = ""
    label: str = "label"
    prediction: str = "prediction"
    score: str = "score"
    positive: str | float | bool | None = None
    slices: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    cluster: str | None = None
    order: str = ""
    kpis: tuple[Kpi, ...] = ()

    def dependence(self, *, rule: str | None, default: str) -> tuple[str, str]:
        """The columns that tell which rows belong together: that of groups, or that of time; '' for none.

        A rule is heeded before the model, and that before `default`; '' switches off, None says nothing.
        """
        known = next((each for each in (rule, self.cluster) if each is not None), None)
        cluster = (default if not self.order else "") if known is None else known
        return cluster, self.order if not cluster else ""


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
    """The checked content of mlgit.yaml; the empty one stands for a project without the file."""

    directions: Mapping[str, Direction] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    environments: tuple[Environment, ...] = ()
    contracts: Mapping[str, str] = field(default_factory=dict)
    servings: Mapping[str, Serving] = field(default_factory=dict)
    monitorings: Mapping[str, Monitoring] = field(default_factory=dict)

    def direction(self, metric: str) -> Direction | None:
        """The declared direction of a metric: by its full dotted name, else by the last part of it."""
        return self.directions.get(metric) or self.directions.get(metric.rpartition(".")[2])

    def model(self, name: str) -> Model:
        """What is declared for an artifact; the defaults where nothing is."""
        return self.models.get(name) or _model(name, {})

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
    directions = {metric: declared["direction"] for metric, declared in _filled(checked, "metrics").items()}
    return Config(
        directions=directions | _directions_of_kpis(monitorings, directions, name=name),
        models={
            each: _model(
                each, declared or {}, where=f"{name}: models.{each}", kpis=monitorings[each].kpis if each in monitorings else {}
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


def _model(name: str, declared: Mapping[str, Any], *, where: str = "", kpis: Mapping[str, Kpi] | None = None) -> Model:
    card = declared.get("card", {})
    file = name.replace(":", "/")
    files = CardFiles(card.get("notes", f"cards/{file}.yaml"), card.get("out", f"cards/{file}.md"), card.get("profile", "hf"))
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in declared.items()}
    if given.get("cluster") and given.get("order"):
        raise MlgitError(
            f"{where}.order: rows belong together by a cluster or by time, not by both", "take out `cluster:` or `order:`"
        )
    given |= {key: given[key] or "" for key in ("cluster", "order") if key in given}
    return Model(name=name, kpis=tuple((kpis or {}).values()), **given | {"card": files})


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
