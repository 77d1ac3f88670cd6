"""Structured files by their ending: YAML 1.2 (as DVC reads it), JSON, TOML and Python constants.

The readers of each format are imported when a file of it is read: a run whose pipeline is kept may read none.
"""

from __future__ import annotations

import json
import posixpath
from pathlib import Path
from typing import Any

from mlgit.adapters.system import files
from mlgit.errors import MlgitError


def parse_yaml(text: str, *, name: str) -> Any:
    """The value of a YAML 1.2 document; an empty one is None.

    Raises MlgitError `NAME: line L, column C: what` for text that is not YAML, for a duplicate key and for a tag
    that would build anything but plain data.
    """
    from mlgit.adapters.formats import yaml12

    return yaml12.parse(text, name=name)


def load(path: Path, *, name: str) -> Any:
    """The value of a parameter file, read by its ending: .json, .toml, .py, and YAML for every other.

    Raises MlgitError for a file that is missing, not UTF-8 or not in its format.
    """
    return parse(files.read_text(path, name=name), name=name)


def parse(text: str, *, name: str) -> Any:
    """The value of a parameter file's text, by the ending of its name; an empty one, but for JSON, is an empty mapping."""
    ending = posixpath.splitext(name)[1].lower()
    reader = {".json": _parse_json, ".toml": _parse_toml, ".py": parse_python}.get(ending)
    value = reader(text, name=name) if reader else parse_yaml(text, name=name)
    return value or {}


def _parse_json(text: str, *, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise MlgitError(f"{name}: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise MlgitError(f"{name}: not JSON: {_told(error)}") from error


def _parse_toml(text: str, *, name: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except (RecursionError, ValueError) as error:
        raise MlgitError(f"{name}: {_told(error)}") from error


def _told(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]


def parse_python(text: str, *, name: str) -> dict[str, Any]:
    """The constants of a Python parameter file, without running it; see `constants.parse`."""
    from mlgit.adapters.formats import constants

    return constants.parse(text, name=name)
