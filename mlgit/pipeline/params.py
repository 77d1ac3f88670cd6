"""Parameter values picked from a parsed parameter file by dotted keys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlgit.pipeline.model import Parameters

_MISSING = object()


def pick(document: Any, parameters: Parameters) -> dict[str, Any]:
    """The values of the declared keys that the document has; all top-level keys when none is declared.

    A key is a path with dots (`train.depth`, `layers.0`); a key that is not there is left out.
    """
    if not parameters.keys:
        return dict(document) if isinstance(document, Mapping) else {}
    found = {key: _get(document, key) for key in parameters.keys}
    return {key: value for key, value in found.items() if value is not _MISSING}


def _get(document: Any, key: str) -> Any:
    value = document
    for part in key.split("."):
        if isinstance(value, Mapping):
            value = _member(value, part)
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _member(mapping: Mapping[Any, Any], part: str) -> Any:
    if part in mapping:
        return mapping[part]
    return next((value for key, value in mapping.items() if str(key) == part), _MISSING)


def ordered(values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values by file as the lock orders them: params.yaml first, the others as given, keys sorted."""
    names = sorted(values, key=lambda name: name != "params.yaml")
    return {name: {key: values[name][key] for key in sorted(values[name])} for name in names}


def unrecordable(values: Mapping[str, Any]) -> str | None:
    """The key of the first value that a lock cannot hold: a date, a set, bytes, or a structure that contains itself."""
    for key, value in values.items():
        try:
            json.dumps(value, sort_keys=True)
        except (TypeError, ValueError, RecursionError):
            return key
    return None


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as parameters: a tuple of a Python file equals the list the lock holds."""
    return bool(one == other) or (isinstance(one, tuple) and list(one) == other)
