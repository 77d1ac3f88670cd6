"""Which metrics and KPIs are watched, by the names that rules, directions and `monitoring:` give them, and their values at
release."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import definitions, expression_values, expressions, row_columns
from mlgit.model_settings import Model
from mlgit.monitoring.sketch import Sketch
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Kpi, Monitoring


def columns_of_labels(settings: Monitoring, model: Model) -> set[str]:
    """The columns that KPIs and declared metrics ask for: they may stand in the labels.

    Raises MlgitError for an expression that is none.
    """
    found = {name for each in settings.kpis.values() for name in parsed(each, settings).columns}
    made = {name for each in definitions.all_of(model) for name in definitions.columns(model, each)}
    return found | ((made | {model.weight}) - {"", model.label, model.prediction, model.score} if model.declared else set())


def parsed(kpi: Kpi, settings: Monitoring) -> expressions.Expression:
    """The expression of a KPI. Raises MlgitError for what is none, naming the line of mlgit.yaml."""
    return expressions.parse(kpi.expression, where=f"monitoring.{settings.model}.kpis.{kpi.name}")


def release_name(kpi: Kpi, expression: expressions.Expression) -> str:
    """What the value of a KPI at release is called among the metrics of a sketch: that of a row where it grows with rows."""
    return f"{kpi.metric}/row" if expression.degree else kpi.metric


def at_release(table: Mapping[str, Any], *, settings: Monitoring) -> dict[str, float]:
    """The KPIs of the predictions of test rows, for a sketch: those whose columns are there, by `release_name`."""
    rows, found = row_columns.rows_of(table), {}
    for kpi in settings.kpis.values():
        expression = parsed(kpi, settings)
        if rows and set(expression.columns) <= table.keys() and expression.degree is not None:
            with suppress(MlgitError):
                value = expression_values.value(expression, expression_values.rows_of(expression, table, rows=rows))
                if math.isfinite(value):
                    found[release_name(kpi, expression)] = value / rows**expression.degree
    return found


def declared_model(config: Config, name: str) -> Model:
    """What mlgit.yaml declares of a model that may be named with its folder."""
    local = name.rpartition(":")[2]
    return config.model(next((each for each in (name, local) if each in config.models), local))


def asked_metrics(config: Config, model: Model, sketch: Sketch | None = None) -> dict[str, str]:
    """The metrics that rules or directions name and mlgit can compute: by what they are called, the one they are.

    One that mlgit.yaml makes is itself; a rule about a further test set is about none of them. Of two names for one metric
    (`train.f1`, `f1`) that of a rule is taken, else that which was recorded at release, else the shorter.
    """
    rules = [each for each in config.gates.rules if each.metric and not each.on]
    about = [each.metric for each in rules if each.model in ("", model.name)]
    recorded = sketch.metrics if sketch else {}
    found: dict[str, str] = {}

    def rank(name: str) -> tuple[bool, bool, int, str]:
        return name not in about, name not in recorded, len(name), name

    for name in sorted({*about, *config.directions}, key=rank):
        short = "" if name.startswith("kpi.") else _computed_as(name, model)
        if short:
            found.setdefault(short, name)
    return {name: short for short, name in sorted(found.items())}


def _computed_as(name: str, model: Model) -> str:
    """The name that a metric is computed by, '' for one that mlgit cannot compute of what the model declares."""
    if any(each.name == name for each in model.declared):
        return name
    short = name.rpartition(".")[2]
    found = definitions.named(short)
    is_there = found is not None and all(
        definitions.is_declared(model, need) for need in definitions.needs(model, definitions.MetricDefinition(short, found))
    )
    return short if is_there else ""


def seed_of(window: Window) -> int:
    """Where random numbers about a window begin: the same wherever it is judged."""
    digits = window.digest.rpartition(":")[2][:8]
    try:
        return int(digits, 16)
    except ValueError:
        return 0
