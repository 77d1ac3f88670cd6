"""params.yaml as checked values: a mistake stops the stage, and does not call another model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Cases:
    """Which cases are made."""

    number: int
    examples: int
    per_module: int
    max_characters: int


@dataclass(frozen=True)
class Call:
    """How models are asked."""

    repeats: int
    workers: int
    timeout: float
    attempts: int
    max_error_share: float


@dataclass(frozen=True)
class Budget:
    """What a run of the stage `call` may spend."""

    usd: float
    calls: int


@dataclass(frozen=True)
class Grade:
    """How many answers pass^k and pass@k are about."""

    k: int


@dataclass(frozen=True)
class Parameters:
    """The whole of params.yaml."""

    seed: int
    cases: Cases
    call: Call
    budget: Budget
    grade: Grade


def read(path: Path = Path("params.yaml")) -> Parameters:
    """Read the parameters; ValueError for a key that is missing, unknown, of the wrong type or negative."""
    given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    kinds = {"cases": Cases, "call": Call, "budget": Budget, "grade": Grade}
    sections = {name: section(kind, given.pop(name, None), name) for name, kind in kinds.items()}
    found = section(Parameters, {**given, **sections}, "params.yaml")
    for name, least in (("repeats", 1), ("workers", 1), ("attempts", 1), ("timeout", 0.001)):
        if getattr(found.call, name) < least:
            raise ValueError(f"call: {name}: expected at least {least}")
    if not 1 <= found.grade.k <= found.call.repeats:
        raise ValueError(f"grade: k: expected 1 to {found.call.repeats} (call.repeats)")
    return found


def section(kind: type, given: Any, name: str) -> Any:
    """A section of a YAML file as a checked value."""
    fields = kind.__annotations__
    if not isinstance(given, dict) or given.keys() != fields.keys():
        found = ", ".join(map(str, given)) if isinstance(given, dict) else given
        raise ValueError(f"{name}: expected the keys {', '.join(fields)}; found {found}")
    for key, value in given.items():
        allowed = (int, float) if fields[key] is float else fields[key]
        number = fields[key] in (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or (number and not value >= 0):
            # PyYAML reads 1e-3 as text; 1.0e-3 is a number for every reader
            expected = fields[key].__name__
            raise ValueError(f"{name}: {key}: expected {expected}, found {value!r}")
    return kind(**given)
