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
    _check(found)
    return found


def _check(given: Parameters) -> None:
    """ValueError for a value that no stage can work with."""
    features, intervals, report = given.features, given.intervals, given.report
    is_month = re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", features.test_from)
    for name, value, is_good, expected in (
        # a month that is further away has no month a year before it that is known
        ("features: horizon", features.horizon, 1 <= features.horizon <= 12, "1 to 12"),
        ("features: drift_years", features.drift_years, features.drift_years >= 1, "1 or more"),
        ("features: test_from", features.test_from, is_month, "a month like 1985-01"),
        ("intervals: level", intervals.level, 0 < intervals.level < 1, "a share between 0 and 1"),
        ("intervals: folds", intervals.folds, intervals.folds >= 2, "2 or more"),
        ("report: block", report.block, report.block >= 1, "1 or more"),
        ("report: resamples", report.resamples, report.resamples >= 100, "100 or more"),
    ):
        if not is_good:
            raise ValueError(f"{name}: expected {expected}, found {value}")


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
