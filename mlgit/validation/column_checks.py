"""What the description of a column asks of its values: its type, whether it may be missing, and the bounds of its type."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from mlgit.errors import MlgitError, near_miss
from mlgit.validation import patterns
from mlgit.validation.contract import ContractCheck, ContractColumn

_OBJECT = ("minProperties", "maxProperties", "keys")
_LENGTHS = {
    "string": ("minLength", "maxLength", "characters"),
    "array": ("minItems", "maxItems", "items"),
    "object": _OBJECT,
    "map": _OBJECT,
}
_NUMBERS = ("integer", "number", "")
_MOMENTS = ("timestamp", "time")
# The types that an option is for; "" is a column without one. Of any other it would make no rule, and pass for one that holds.
_TYPES_OF = {
    "multipleOf": _NUMBERS,
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems"), ("array",)),
    **dict.fromkeys(("minProperties", "maxProperties"), ("object", "map")),
    **dict.fromkeys(("minLength", "maxLength"), ("string", "integer", "number", "boolean", "date", *_MOMENTS, "")),
    **dict.fromkeys(("timezone", "defaultTimezone"), _MOMENTS),
    "format": ("string", "integer", "number", "date", *_MOMENTS),
    "required": ("object",),
}
# A time of day with a zone, and a moment without one.
_ZONED = r":[0-9]{2}(\.[0-9]+)?\s*(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
_UNZONED = r"^\s*([0-9-]+|([0-9-]+[ T])?[0-9:.]+)\s*$"
_UTC = ("UTC", "ETC/UTC", "GMT", "Z", "+00:00")
# Whole numbers that fit into so many bits.
INTEGERS = {
    **{f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64, 128)},
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64, 128)},
}
_IPV4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"


def _ipv6() -> str:
    """Eight groups of up to four hexadecimal digits; `::` stands for one or more, an address of version 4 for the last two."""
    group = "[0-9A-Fa-f]{1,4}"
    ways = [f"(?:{group}:){{7}}{group}", f"(?:{group}:){{6}}{_IPV4}"]
    for left in range(8):
        begin = f"{group}(?::{group}){{{left - 1}}}::" if left else "::"
        ways.append(begin + (f"(?:{group}(?::{group}){{0,{6 - left}}})?" if left < 7 else ""))
        if left < 6:
            ways.append(f"{begin}(?:{group}:){{0,{5 - left}}}{_IPV4}")
    return f"(?:{'|'.join(ways)})"


# Ways to write a text, as regular expressions that match it as a whole: the everyday part of RFC 5322, 3986, 4122 and 1123.
TEXT_FORMATS = {
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "uuid": r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+",
    "hostname": r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    "ipv4": _IPV4,
    "ipv6": _ipv6(),
}


UNIQUE_ITEMS = "write `uniqueItems: true` for the list"
# Ways to write a text of which nothing can be checked, and numbers that are as wide as floats.
_TOLD_FORMATS = ("password", "byte", "binary")
_FLOATS = ("f32", "f64")
# The largest float of 32 bits.
_LARGEST = (2 - 2.0**-23) * 2.0**127


def of_column(column: ContractColumn, *, name: str, where: str) -> Iterator[ContractCheck]:
    """The checks of one column; the first is that it is there. Raises MlgitError for options that cannot be checked."""
    path = column.path
    _refuse_unfit(column, name=name, where=where)
    if "[]" in path and (column.is_unique or column.is_key):
        key = "unique" if column.is_unique else "primaryKey"
        raise MlgitError(f"{name}: {where}.{key}: what stands in a list is no key of a row", UNIQUE_ITEMS)
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
        try:
            patterns.translated(options["pattern"])
        except ValueError as error:
            raise MlgitError(f"{name}: {where}.logicalTypeOptions.pattern: {error}") from error
        yield ContractCheck(
            f"{path}.pattern", "pattern", (path,), f"matches {options['pattern']}", {"pattern": options["pattern"]}
        )
    if column.type == "string" and options.get("format") in TEXT_FORMATS:
        yield ContractCheck(
            f"{path}.format", "format", (path,), options["format"], {"pattern": TEXT_FORMATS[options["format"]]}
        )
    if "timezone" in options and "format" not in options:
        told, pattern = ("names its zone", _ZONED) if options["timezone"] else ("names no zone", _UNZONED)
        yield ContractCheck(f"{path}.timezone", "pattern", (path,), told, {"pattern": pattern})
    for each in options.get("required", ()):
        inner = {"within": path, "key": each}
        yield ContractCheck(f"{path}.{each}.required", "required", (f"{path}.{each}",), "required", inner)
    if options.get("uniqueItems"):
        yield ContractCheck(f"{path}.items", "items", (path,), "no item twice")


def _refuse_unfit(column: ContractColumn, *, name: str, where: str) -> None:
    """Raise MlgitError for an option that makes no rule for a column of this type."""
    options, kind = column.options, column.type
    where = f"{name}: {where}.logicalTypeOptions"
    for key, types in _TYPES_OF.items():
        if options.get(key) and kind not in types:
            raise MlgitError(
                f"{where}.{key}: no option of values of type {kind}"
                if kind
                else f"{where}.{key}: the type of the values is missing",
                f"add `logicalType: {types[0]}`, or leave the option out",
            )
    form = str(options.get("format", ""))
    known = {"string": (*TEXT_FORMATS, *_TOLD_FORMATS), "integer": tuple(INTEGERS), "number": _FLOATS}.get(kind)
    if form and known and form not in known:
        raise MlgitError(
            f"{where}.format: '{form}' is no format of values of type {kind}{near_miss(form, known)}",
            f"known formats: {', '.join(known)}; or write a `pattern`"
            if kind == "string"
            else f"known formats: {', '.join(known)}",
        )
    if "timezone" in options and form and options["timezone"] is not _names_zone(form):
        raise MlgitError(f"{where}.timezone: the format '{form}' says otherwise", "change one of them")
    zone = options.get("defaultTimezone")
    if zone and zone.upper() not in _UTC:
        raise MlgitError(f"{where}.defaultTimezone: {zone}: times without a zone are read as UTC", "leave it out, or write UTC")


def _names_zone(form: str) -> bool:
    """Whether a form of Java's DateTimeFormatter has a zone; what stands in single quotes is text."""
    return any(letter in "".join(form.split("'")[::2]) for letter in "XxZzVO")


def _range(column: ContractColumn, *, name: str, where: str) -> dict[str, Any]:
    """The ends of a range; version 3.0 says with true and false whether an end is excluded."""
    options = dict(column.options)
    for end in ("minimum", "maximum"):
        exclusive = f"exclusive{end.capitalize()}"
        if options.get(exclusive) is True and end in options:
            options[exclusive] = options.pop(end)
        elif options.get(exclusive) is True:
            raise MlgitError(f"{name}: {where}.logicalTypeOptions.{exclusive}: true, and there is no {end}", f"add `{end}`")
        elif isinstance(options.get(exclusive), bool):
            del options[exclusive]
    ends = {key: options[key] for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if key in options}
    for key, value in ends.items():
        problem = _misfit(column.type, value)
        if problem:
            raise MlgitError(f"{name}: {where}.logicalTypeOptions.{key}: {value!r} is {problem}")
    kept = options.get("format")
    if column.type == "integer" and kept in INTEGERS:
        low, high = INTEGERS[kept]
        ends |= {"minimum": max(low, ends.get("minimum", low)), "maximum": min(high, ends.get("maximum", high))}
    if column.type == "number" and kept == "f32":
        ends |= {"minimum": ends.get("minimum", -_LARGEST), "maximum": ends.get("maximum", _LARGEST)}
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
