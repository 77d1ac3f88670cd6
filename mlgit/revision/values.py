"""Values of metrics and parameter files by dotted name, in types that JSON has."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from mlgit.pipeline import params
from mlgit.pipeline.model import Parameters

Value = int | float | str | bool
# More values than a person or a comment could take in: such a file is no list of metrics, or an attack by YAML aliases.
MAX_VALUES = 100_000


def flatten(value: Any, *, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values in nested mappings with their dotted names; an empty mapping is a value."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flatten(inner, prefix=f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def metric_values(document: Any) -> dict[str, Value]:
    """The numbers, texts and truth values of a metrics file by dotted name; lists and nulls are no metrics, as in DVC.

    Raises ValueError for a file with too many of them, or with two of one name.
    """
    found = _checked(document)
    return {name: settled(value) for name, value in found if isinstance(value, (int, float, str))}


def parameter_values(document: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """The values below the declared keys by dotted name; the whole file when no key is declared.

    Raises ValueError for a file with too many of them, or with two of one name.
    """
    picked = params.pick(document, Parameters("", "", keys)) if keys or isinstance(document, Mapping) else {}
    return {name: settled(value) for name, value in _checked(picked) if name}


def _checked(document: Any) -> list[tuple[str, Any]]:
    _refuse_many(document)
    found = list(itertools.islice(flatten(document), MAX_VALUES + 1))
    if len(found) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES} values")
    values: dict[str, Any] = {}
    for name, value in found:
        known = values.setdefault(name, value)
        if known is not value and not params.same(known, value) and not _are_nan(known, value):
            raise ValueError(f"two values are called '{name}' (a key with a dot, and a key in a mapping)")
    return found


def _refuse_many(document: Any) -> None:
    """Raise ValueError for more values than MAX_VALUES, those in lists too: aliases of YAML write them in a few lines."""
    left, number_of = [document], 0
    while left:
        value = left.pop()
        number_of += 1
        if number_of > 2 * MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES} values")
        if isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, (list, tuple)):
            left.extend(value)


def _are_nan(one: Any, other: Any) -> bool:
    """Whether both are the one number that is unequal to itself."""
    return isinstance(one, float) and isinstance(other, float) and one != one and other != other


def settled(value: Any) -> Any:
    """A value of any file format in the types that JSON has; what it has no type for becomes text."""
    match value:
        case None | bool() | float() | str():
            return value
        case int():
            # Python refuses to print such a number in decimal
            return value if value.bit_length() <= 1024 else hex(value)
        case Mapping():
            return {str(key): settled(inner) for key, inner in value.items()}
        case list() | tuple():
            return [settled(inner) for inner in value]
        case set() | frozenset():
            return sorted(map(str, value))
        case _:
            return str(value)
