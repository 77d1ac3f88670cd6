"""What the description of a column asks of its values: its type, whether it may be missing, and the bounds of its type."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from mlgit.errors import MlgitError
from mlgit.validation.contract import ContractCheck, ContractColumn

_LENGTHS = {"string": ("minLength", "maxLength", "characters"), "array": ("minItems", "maxItems", "items")}
# Whole numbers that fit into so many bits.
INTEGERS = {
    **{f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64, 128)},
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64, 128)},
}
# Ways to write a text, as regular expressions that match it as a whole: the everyday part of RFC 5322, 3986, 4122 and 1123.
TEXT_FORMATS = {
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "uuid": r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+",
    "hostname": r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    "ipv4": r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)",
    "ipv6": r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*",
}


def of_column(column: ContractColumn, *, name: str, where: str) -> Iterator[ContractCheck]:
    """The checks of one column; the first is that it is there. Raises MlgitError for options that cannot be checked."""
    path = column.path
    if not path.endswith("[]"):
        yield ContractCheck(f"{path}.present", "present", (path,), "there")
    if column.type:
        yield ContractCheck(f"{path}.type", "type", (path,), column.type, _time_options(column))
    if column.is_required or column.is_key:
        yield ContractCheck(f"{path}.required", "required", (path,), "required")
    if column.is_unique:
        yield ContractCheck(f"{path}.unique", "unique", (path,), "unique")
    yield from _bounds(column, name=name, where=where)
    if column.values is not None:
        values = tuple(each for each in column.values if each is not None)
        yield ContractCheck(f"{path}.values", "values", (path,), "one of " + ", ".join(map(str, values)), {"values": values})


def _time_options(column: ContractColumn) -> dict[str, Any]:
    """How a moment is written decides whether a text is one."""
    is_time = column.type in ("date", "timestamp", "time")
    return {"format": column.options["format"]} if is_time and "format" in column.options else {}


def _bounds(column: ContractColumn, *, name: str, where: str) -> Iterator[ContractCheck]:
    path, options = column.path, column.options
    bounds = _range(column, name=name, where=where)
    if bounds:
        yield ContractCheck(f"{path}.range", "range", (path,), _range_told(bounds), bounds)
    low, high, unit = _LENGTHS.get(column.type, ("minLength", "maxLength", "characters"))
    lengths = {"low": options.get(low), "high": options.get(high)}
    if any(each is not None for each in lengths.values()):
        yield ContractCheck(f"{path}.length", "length", (path,), f"{_between(lengths['low'], lengths['high'])} {unit}", lengths)
    if options.get("multipleOf") is not None:
        if options["multipleOf"] <= 0:
            raise MlgitError(f"{name}: {where}.logicalTypeOptions.multipleOf: {options['multipleOf']} is not above 0")
        yield ContractCheck(
            f"{path}.multiple", "multiple", (path,), f"multiple of {options['multipleOf']:g}", {"of": options["multipleOf"]}
        )
    if options.get("pattern") is not None:
        yield ContractCheck(
            f"{path}.pattern", "pattern", (path,), f"matches {options['pattern']}", {"pattern": options["pattern"]}
        )
    if column.type == "string" and options.get("format") in TEXT_FORMATS:
        yield ContractCheck(
            f"{path}.format", "format", (path,), options["format"], {"pattern": TEXT_FORMATS[options["format"]]}
        )
    if options.get("uniqueItems"):
        yield ContractCheck(f"{path}.items", "items", (path,), "no item twice")


def _range(column: ContractColumn, *, name: str, where: str) -> dict[str, Any]:
    """The ends of a range; version 3.0 says with true and false whether an end is excluded."""
    options = dict(column.options)
    for end in ("minimum", "maximum"):
        exclusive = f"exclusive{end.capitalize()}"
        if options.get(exclusive) is True and end in options:
            options[exclusive] = options.pop(end)
        elif isinstance(options.get(exclusive), bool):
            del options[exclusive]
    ends = {key: options[key] for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if key in options}
    for key, value in ends.items():
        problem = _misfit(column.type, value)
        if problem:
            raise MlgitError(f"{name}: {where}.logicalTypeOptions.{key}: {value!r} is {problem}")
    kept = options.get("format")
    if column.type == "integer" and kept in INTEGERS and not ends:
        ends = dict(zip(("minimum", "maximum"), INTEGERS[kept], strict=True))
    return {key: value.isoformat() if isinstance(value, datetime.date) else value for key, value in ends.items()}


def _misfit(kind: str, value: Any) -> str:
    """What is wrong with an end of a range of this type."""
    if kind in ("date", "timestamp", "time"):
        return "" if isinstance(value, (str, datetime.date)) else f"no {kind}"
    if kind not in ("integer", "number", ""):
        return f"no end for values of type {kind}"
    return "" if isinstance(value, (int, float)) and not isinstance(value, bool) else "no number"


def _range_told(bounds: Mapping[str, Any]) -> str:
    low, high = bounds.get("minimum"), bounds.get("maximum")
    over, under = bounds.get("exclusiveMinimum"), bounds.get("exclusiveMaximum")
    if over is None and under is None:
        return _between(low, high)
    said = [("at least", low), ("above", over), ("at most", high), ("below", under)]
    return " and ".join(f"{word} {value}" for word, value in said if value is not None)


def _between(low: Any, high: Any) -> str:
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"
