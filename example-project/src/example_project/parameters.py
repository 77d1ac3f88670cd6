"""params.yaml as checked values: a mistake stops the stage, and does not train another model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Split:
    """How many of the rows are kept for the test."""

    test_size: float


@dataclass(frozen=True)
class Train:
    """How the model is trained."""

    C: float
    max_iter: int


@dataclass(frozen=True)
class Evaluate:
    """From which score on a row counts as malignant."""

    threshold: float


@dataclass(frozen=True)
class Parameters:
    """The whole of params.yaml."""

    seed: int
    split: Split
    train: Train
    evaluate: Evaluate


def read(path: Path = Path("params.yaml")) -> Parameters:
    """Read the parameters; ValueError for a key that is missing, unknown or of the wrong type."""
    given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    sections = {
        name: _section(kind, given.pop(name, None), name)
        for name, kind in (("split", Split), ("train", Train), ("evaluate", Evaluate))
    }
    return _section(Parameters, {**given, **sections}, "params.yaml")


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
