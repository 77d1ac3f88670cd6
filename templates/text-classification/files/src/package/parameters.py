"""params.yaml as checked values: a mistake stops the stage, and does not train another model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Split:
    """How many of the texts are used (0: all), and how many of those are kept for the test."""

    sample: int
    test_size: float


@dataclass(frozen=True)
class Train:
    """How the model is trained."""

    C: float
    max_iter: int
    ngrams: int


@dataclass(frozen=True)
class Parameters:
    """The whole of params.yaml."""

    seed: int
    libraries: Mapping[str, str]
    strangers: Mapping[str, str]
    split: Split
    train: Train


def read(path: Path = Path("params.yaml")) -> Parameters:
    """Read the parameters; ValueError for a key that is missing, unknown or of the wrong type."""
    given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    sections = {
        name: _section(kind, given.pop(name, None), name)
        for name, kind in (("split", Split), ("train", Train))
    }
    versions = {name: _versions(given.pop(name, None), name) for name in ("libraries", "strangers")}
    return _section(Parameters, {**given, **versions, **sections}, "params.yaml")


def _versions(given: Any, name: str) -> dict[str, str]:
    if not isinstance(given, dict) or not given:
        raise ValueError(f"{name}: expected a library and its version; found {given!r}")
    for library, version in given.items():
        if not isinstance(version, str):
            # unquoted, 1.10 is the number 1.1
            raise ValueError(f"{name}: {library}: expected a version in quotes, found {version!r}")
    return given


def _section(kind: type, given: Any, name: str) -> Any:
    fields = kind.__annotations__
    if not isinstance(given, dict) or given.keys() != fields.keys():
        found = ", ".join(map(str, given)) if isinstance(given, dict) else given
        raise ValueError(f"{name}: expected the keys {', '.join(fields)}; found {found}")
    for key, value in given.items():
        allowed = {int: int, float: (int, float)}.get(fields[key])
        if allowed and (isinstance(value, bool) or not isinstance(value, allowed)):
            # PyYAML reads 1e-3 as text; 1.0e-3 is a number for every reader
            expected = fields[key].__name__
            raise ValueError(f"{name}: {key}: expected {expected}, found {value!r}")
    return kind(**given)
