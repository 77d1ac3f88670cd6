"""Parameter values picked from a parsed parameter file by dotted keys, as DVC picks them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlgit.errors import MlgitError
from mlgit.pipeline.model import Parameters

_MISSING = object()


def pick(document: Any, parameters: Parameters) -> dict[str, Any]:
    """The values of the declared keys that the document has; all top-level keys when none is declared.

    A key is a path with dots (`train.depth`, `layers.0`, `layers.-1`); a key that is not there is left out.
    Raises MlgitError for a key that stands for two values.
    """
    if not parameters.keys:
        if not isinstance(document, Mapping):
            raise MlgitError(f"{parameters.path}: not a mapping of parameter names to values", "write them as NAME: VALUE")
        return dict(document)
    found = {key: _get(document, key, parameters.path) for key in parameters.keys}
    return {key: value for key, value in found.items() if value is not _MISSING}


def _get(document: Any, key: str, file: str) -> Any:
    value = document
    for part in key.lstrip(".").split(".") if key else ():  # no key at all is the whole file
        if isinstance(value, Mapping):
            value = _member(value, part, f"{file}: {key}")
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            value = _item(value, part)
        else:
            return _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _member(mapping: Mapping[Any, Any], part: str, where: str) -> Any:
    if part.isidentifier() and part not in ("True", "False"):  # no number is spelt like this
        return mapping.get(part, _MISSING)
    found = [key for key in mapping if key == part or (isinstance(key, int) and _is_number(key, part))]
    if len(found) > 1:
        raise MlgitError(f"{where}: stands for a text and for a number", "rename one of the two")
    return mapping[found[0]] if found else _MISSING


def _is_number(key: int, part: str) -> bool:
    try:
        return key == int(part)
    except ValueError:
        return str(key) == part


def _item(values: Sequence[Any], part: str) -> Any:
    try:
        return values[int(part)]
    except (IndexError, ValueError):
        return _MISSING


def ordered(values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values by file as the lock orders them: params.yaml first, the others as given, keys sorted."""
    names = sorted(values, key=lambda name: name != "params.yaml")
    return {name: {key: values[name][key] for key in sorted(values[name])} for name in names}


def refuse_unrecordable(values: Mapping[Any, Any], *, file: str, where: str) -> None:
    """Raise MlgitError for a value that a lock cannot hold (a date, a set, what contains itself), or a name that is none."""
    for key, value in values.items():
        if not isinstance(key, str):
            shown = "null" if key is None else str(key)
            raise MlgitError(f"{where}: '{shown}' in {file} is a name that a lock cannot hold", "put the name in quotes")
        try:
            json.dumps(value, sort_keys=True)
        except (TypeError, ValueError, RecursionError) as error:
            raise MlgitError(
                f"{where}: '{key}' in {file} is a value that a lock cannot hold (a date, a set, bytes)",
                "DVC cannot record it either; write a date as text, in quotes",
            ) from error


def check(document: Any, *, name: str, templated: bool) -> None:
    """Raise MlgitError for a parameter file that DVC cannot read; the one beside a dvc.yaml it reads for templating."""
    if templated and not isinstance(document, Mapping):
        raise MlgitError(f"{name}: not a mapping of parameter names to values", "write them as NAME: VALUE")
    strange = _strange(document, (), set(), templated=templated)
    if strange:
        raise MlgitError(
            f"{name}: {strange}, which DVC cannot read here, whether or not a stage uses it",
            "write a date as text, in quotes, a set or a tuple as a list",
        )


_DEEPEST = 200  # DVC's own serializer gives up somewhat later


def _strange(value: Any, above: tuple[int, ...], done: set[int], *, templated: bool, name: str = "") -> str:
    """The dotted name of the first value that holds itself, or that templating cannot hold, and what it is; '' for none.

    `above` are the containers that the value stands in, and `done` those that were looked through.
    """
    if value is None or isinstance(value, (int, float, str, bytes)) or id(value) in done:
        return ""
    if id(value) in above or len(above) > _DEEPEST:
        return f"{name}: nested without an end" if id(value) in above else f"{name[:60]}...: nested too deeply"
    if templated and not isinstance(value, (dict, list)):
        return f"{name}: a {type(value).__name__}"
    rows = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, inner in rows:
        usable = templated and (isinstance(value, list) or isinstance(key, str))
        below = _strange(inner, (*above, id(value)), done, templated=usable, name=f"{name}.{key}" if name else str(key))
        if below:
            return below
    done.add(id(value))
    return ""


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as parameters: a tuple of a Python file equals the list the lock holds, and nan itself."""
    return bool(one == other) or _same(one, other)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, float) and isinstance(other, float) and one != one and other != other
