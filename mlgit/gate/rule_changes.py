"""What the current side declares otherwise than the revision whose rules judge: everything that could decide a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from mlgit.config import Config
from mlgit.gate.review import RuleChange
from mlgit.metric_settings import MetricDeclaration
from mlgit.model_settings import Model
from mlgit.render.text import number
from mlgit.rules import Amount, Slices

# What is declared of a model and tells which rows, and which columns of them, are compared.
_DECIDING = (
    *("metrics", "predictions", "repeats", "id", "label", "prediction", "score", "scores", "quantiles", "positive"),
    *("cluster", "order", "query", "weight", "costs", "train", "test"),
)


def changes(deciding: Config, own: Config) -> tuple[RuleChange, ...]:
    """Rules, waivers, settings, metric directions and columns that differ, in this order."""
    before, now = _entries(deciding), _entries(own)
    names = [*before, *(name for name in now if name not in before)]
    return tuple(
        RuleChange(name, _kind(before, now, name), before.get(name, ""), now.get(name, ""))
        for name in names
        if before.get(name) != now.get(name)
    )


def _kind(before: Mapping[str, str], now: Mapping[str, str], name: str) -> Literal["added", "removed", "changed"]:
    return "added" if name not in before else "removed" if name not in now else "changed"


def _entries(config: Config) -> dict[str, str]:
    """Everything that decides, each with a name and a text that is the same only where the meaning is."""
    gates = config.gates
    found = {rule.id: _told(rule, without=("id",)) for rule in gates.rules}
    for waiver in gates.waivers:
        part = ", ".join(f"{column}={value}" for column, value in waiver.slice)
        name = f"waiver of {waiver.rule}" + (f" ({part})" if part else "")
        told = _told(waiver, without=("rule", "slice"))
        found[name] = f"{found[name]}; {told}" if name in found else told
    for section in ("baseline", "test_set", "stats", "leakage"):
        found |= {f"{section}.{key}": value for key, value in _given(getattr(gates, section))}
    found |= {f"direction of {metric}": direction for metric, direction in config.directions.items()}
    found |= {f"definition of {each.name}": _made(each) for each in config.declared}
    asked = {rule.path for rule in gates.rules if rule.kind == "contract"}
    found |= {f"contract of {path}": file for path, file in config.contracts.items() if path in asked}
    for model in config.models.values():
        known = dict(_of_model(model))
        found |= {f"{key} of {model.name}": value for key, value in known.items()}
        for each in model.tests:
            found |= {f"{key} of {each.address}": value for key, value in _of_test_set(each, known)}
    return found


def _of_test_set(model: Model, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What it has of its own; what it has from the model, whose entries are `known`, is told there."""
    own = dict(_of_model(model))
    for key in _DECIDING:
        if key in ("predictions", "test") or (key not in ("metrics", "train") and own.get(key) != known.get(key)):
            yield key, own.get(key, "none")


def _of_model(model: Model) -> Iterator[tuple[str, str]]:
    for key in _DECIDING:
        value = getattr(model, key)
        if key == "id":
            value = model.key or model.id
        if value not in ("", None, ()) or (key == "cluster" and value is not None):
            yield key, _costs(model) if key == "costs" else _text(value)
    if not model.test_set:
        for kpi in model.kpis:
            yield kpi.metric, kpi.expression


def _costs(model: Model) -> str:
    told = (f"{label}: {', '.join(f'{said} {number(cost)}' for said, cost in costs)}" for label, costs in model.costs)
    return "; ".join(told)


def _made(declared: MetricDeclaration) -> str:
    """What a metric is made of, in the words of mlgit.yaml."""
    told = {"of": declared.of} | dict(declared.parameters)
    if declared.column:
        told |= {"column": declared.column} | ({} if declared.of else {"aggregate": declared.aggregate or "mean"})
    told |= {"per": declared.per, "expression": declared.expression, "max_missing": _percent(declared.max_missing)}
    return ", ".join(f"{key}: {_text(value)}" for key, value in told.items() if value != "")


def _percent(share: float) -> str:
    """As it is declared; '' for none."""
    return f"{100 * share:.4g}%" if share else ""


def _given(declared: NamedTuple) -> Iterator[tuple[str, str]]:
    """The fields that differ from their defaults."""
    for key, value in declared._asdict().items():
        if key not in declared._field_defaults or value != declared._field_defaults[key]:
            yield key, _text(value)


def _told(declared: NamedTuple, *, without: tuple[str, ...]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in _given(declared) if key not in without)


def _text(value: Any) -> str:
    match value:
        case Amount(amount, is_relative):
            return f"{number(amount * 100)}%" if is_relative else number(amount)
        case Slices():
            return f"({_told(value, without=())})"
        case float():
            return repr(value)
        case tuple():
            return f"[{', '.join(map(_text, value))}]"
        case _:
            return repr(value) if isinstance(value, str | bool) and value in ("", "1", "true", "false") else str(value)
