"""What differs from the version that a model replaces, as rows: what, before, now."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mlgit.config import Config
from mlgit.registry.facts import DataFile, Facts
from mlgit.render.text import number, size
from mlgit.revision.values import flatten

_NONE = "–"


class Change(NamedTuple):
    """One thing that is not as it was; `verdict` is better or worse for a metric with a direction, else ''."""

    kind: str
    name: str
    before: str
    now: str
    verdict: str = ""


def changes(before: Facts, now: Facts, *, config: Config) -> list[Change]:
    """Metrics, parameters, data, code, commands and environment that differ, in this order and each by name."""
    rows = [
        Change(kind, name, old, new, _verdict(kind, name, before, now, config))
        for kind, reader in _READERS.items()
        for name, old, new in _differing(reader(before), reader(now))
    ]
    return rows


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str, str]]:
    names = sorted({*before, *now})
    return [(name, before.get(name, _NONE), now.get(name, _NONE)) for name in names if before.get(name) != now.get(name)]


def _verdict(kind: str, name: str, before: Facts, now: Facts, config: Config) -> str:
    direction = config.direction(name) if kind == "metric" else None
    if direction is None or name not in before.metrics or name not in now.metrics:
        return ""
    return "better" if (now.metrics[name] > before.metrics[name]) == (direction == "higher") else "worse"


def _metrics(facts: Facts) -> dict[str, str]:
    return {name: number(value) for name, value in facts.metrics.items()}


def parameters(facts: Facts) -> dict[str, str]:
    """The parameters that made the model, as text, by full dotted name."""
    return dict(sorted(_shown(facts.params).items()))


def judged_by(facts: Facts) -> dict[str, str]:
    """The parameters of the stages that evaluate the model, as text."""
    return dict(sorted((name, value) for step in facts.evaluation for name, value in _shown(step.params).items()))


def _shown(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: shown(value) for key, given in params.items() for name, value in flatten(given, prefix=key)}


def _data(facts: Facts) -> dict[str, str]:
    files = [each for each in facts.data if each.role in ("train", "test", "source")]
    return {f"{each.path} ({', '.join(filter(None, (each.role, each.test_set)))})": _content(each) for each in files}


def _content(file: DataFile) -> str:
    parts = [file.md5[:8] or "unknown", *([size(file.size)] if file.size is not None else [])]
    return ", ".join(parts)


def code(facts: Facts) -> dict[str, str]:
    """The digests of what the stages read that is no data, no output and no part of the environment: the code, by path."""
    steps = (*facts.steps, *facts.evaluation)
    other = {each.path for each in facts.data} | {path for step in steps for path in step.outs} | facts.environment.keys()
    found = {path: md5 for step in steps for path, md5 in step.deps.items() if path not in other}
    return dict(sorted(found.items()))


def _code(facts: Facts) -> dict[str, str]:
    return {path: md5[:8] for path, md5 in code(facts).items()}


def _commands(facts: Facts) -> dict[str, str]:
    return {step.name: " && ".join(step.cmd.splitlines()) for step in (*facts.steps, *facts.evaluation)}


def _environment(facts: Facts) -> dict[str, str]:
    return {path: digest[:8] for path, digest in facts.environment.items()}


_READERS: dict[str, Callable[[Facts], dict[str, str]]] = {
    "metric": _metrics,
    "parameter": lambda facts: {**parameters(facts), **judged_by(facts)},
    "data": _data,
    "code": _code,
    "command": _commands,
    "environment": _environment,
}


def shown(value: Any) -> str:
    """A parameter's value as its file would have it, in one line."""
    if isinstance(value, float):
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
