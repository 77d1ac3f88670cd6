"""params.yaml as checked values: a mistake stops the stage, and does not train another model."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Features:
    """How far ahead is forecast, how many years the drift looks back, and where the test begins."""

    horizon: int
    drift_years: int
    test_from: str


@dataclass(frozen=True)
class Train:
    """How the model is trained."""

    max_iter: int
    learning_rate: float
    max_leaf_nodes: int
    min_samples_leaf: int


@dataclass(frozen=True)
class Intervals:
    """The share of months that the intervals promise to hold, and how that is learned."""

    level: float
    folds: int


@dataclass(frozen=True)
class Report:
    """How the report draws its months: whole blocks of so many, so many times."""

    block: int
    resamples: int


@dataclass(frozen=True)
class Parameters:
    """The whole of params.yaml."""

    seed: int
    features: Features
    train: Train
    intervals: Intervals
    report: Report


_SECTIONS = (
    ("features", Features),
    ("train", Train),
    ("intervals", Intervals),
    ("report", Report),
)


def read(path: Path = Path("params.yaml")) -> Parameters:
    """Read the parameters; ValueError for a key that is missing, unknown or of the wrong type."""
    given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    sections = {name: _section(kind, given.pop(name, None), name) for name, kind in _SECTIONS}
    found = _section(Parameters, {**given, **sections}, "params.yaml")
    if not 1 <= found.features.horizon <= 12:
        # a month that is further away has no month a year before it that is known
        raise ValueError(f"features: horizon: expected 1 to 12, found {found.features.horizon}")
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", found.features.test_from):
        raise ValueError(
            f"features: test_from: expected a month like 1985-01, found {found.features.test_from}"
        )
    return found


def _section(kind: type, given: Any, name: str) -> Any:
    fields = kind.__annotations__
    if not isinstance(given, dict) or given.keys() != fields.keys():
        found = ", ".join(map(str, given)) if isinstance(given, dict) else given
        raise ValueError(f"{name}: expected the keys {', '.join(fields)}; found {found}")
    for key, value in given.items():
        allowed = (int, float) if fields[key] is float else fields[key]
        if isinstance(value, bool) or not isinstance(value, allowed):
            # PyYAML reads 1e-3 as text; 1.0e-3 is a number for every reader
            expected = fields[key].__name__
            raise ValueError(f"{name}: {key}: expected {expected}, found {value!r}")
    return kind(**given)
