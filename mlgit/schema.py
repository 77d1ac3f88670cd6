"""Checks as tables: what a file may hold, how its faults are told, and the same table as JSON Schema.

A schema is a value made of the classes below; `check` walks a document beside it and raises one MlgitError that reads
as a path (`mlgit.yaml: metrics.auc.direction: ...`), `json_schema` turns it into JSON Schema draft 2020-12.
The classes are named tuples, for every command imports them, and a dataclass takes six times as long to make.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mlgit.errors import MlgitError
from mlgit.errors import near_miss as near_miss


class Text(NamedTuple):
    """A string; with `choices` one of them, with `pattern` one that matches it as a whole."""

    choices: tuple[str, ...] = ()
    pattern: str = ""


class Integer(NamedTuple):
    """A whole number, not below `minimum`; with `choices` one of them."""

    minimum: int | None = None
    choices: tuple[int, ...] = ()


class Number(NamedTuple):
    """A finite number between `minimum` and `maximum`, both allowed."""

    minimum: float | None = None
    maximum: float | None = None


class Boolean(NamedTuple):
    """true or false."""


class Nothing(NamedTuple):
    """No value: null, or nothing behind the colon."""


class Anything(NamedTuple):
    """Any value: what mlgit does not read itself."""


class ListOf(NamedTuple):
    """A list whose items all follow one schema."""

    item: Schema


class MapOf(NamedTuple):
    """A mapping with names of the user's choice; with `any_key` they need not be text."""

    value: Schema
    key_pattern: str = ""
    any_key: bool = False


class Either(NamedTuple):
    """A value that follows one of several schemas of different types."""

    options: tuple[Schema, ...]


class Key(NamedTuple):
    """One key of a Table, with the sentence that explains it in editors."""

    name: str
    schema: Schema
    doc: str
    required: bool = False


class Table(NamedTuple):
    """A mapping with declared keys; every other key is refused with the near miss."""

    keys: tuple[Key, ...]


Schema = Text | Integer | Number | Boolean | Nothing | Anything | ListOf | MapOf | Either | Table


def check(value: object, schema: Schema, *, name: str, path: str = "") -> None:
    """Raise MlgitError for the first place where `value` does not follow `schema`.

    `name` is the file as the user knows it and `path` the dotted keys so far.
    """
    match schema:
        case Anything():
            return
        case Table(keys):
            _check_table(value, keys, name=name, path=path)
        case MapOf(item, key_pattern, any_key):
            for key, inner in _mapping(value, name=name, path=path).items():
                if not (any_key or isinstance(key, str)) or (key_pattern and not re.fullmatch(key_pattern, key)):
                    raise _fault(name, path, f"'{key}' is not a name (expected {key_pattern or 'text'})")
                check(inner, item, name=name, path=_join(path, key))
        case ListOf(item):
            if not isinstance(value, list):
                raise _fault(name, path, f"expected a list, found {kind(value)}")
            for index, inner in enumerate(value):
                check(inner, item, name=name, path=f"{path}[{index}]")
        case Either(options):
            option = next((each for each in options if _right_type(value, each)), None)
            if option is None:
                raise _fault(name, path, f"expected {describe(schema)}, found {kind(value)}")
            check(value, option, name=name, path=path)
        case _:
            _check_scalar(value, schema, name=name, path=path)


def _check_table(value: object, keys: tuple[Key, ...], *, name: str, path: str) -> None:
    mapping = _mapping(value, name=name, path=path)
    known = {key.name: key for key in keys}
    for key in mapping:
        if key not in known:
            raise _fault(name, _join(path, key), "unknown key" + near_miss(str(key), known), _allowed(known))
    for key in keys:
        if key.name in mapping:
            check(mapping[key.name], key.schema, name=name, path=_join(path, key.name))
        elif key.required:
            raise _fault(name, _join(path, key.name), "missing", f"add it: {key.doc}")


def _check_scalar(value: object, schema: Schema, *, name: str, path: str) -> None:
    if not _right_type(value, schema):
        raise _fault(name, path, f"expected {describe(schema)}, found {kind(value)}")
    match schema:
        case Text(choices) | Integer(_, choices) if choices and value not in choices:
            options = tuple(map(str, choices))
            raise _fault(name, path, f"'{value}' is not one of {', '.join(options)}" + near_miss(str(value), options))
        case Text(_, pattern) if pattern and not re.fullmatch(pattern, str(value)):
            raise _fault(name, path, f"'{value}' does not match {pattern}")
        case Integer(minimum) if minimum is not None and isinstance(value, int) and value < minimum:
            raise _fault(name, path, f"{value} is below {minimum}")
        case Number(minimum, maximum) if isinstance(value, (int, float)):
            low, high = minimum is None or value >= minimum, maximum is None or value <= maximum
            is_float = abs(value) <= sys.float_info.max
            if not (low and high and is_float):
                told = value if is_float or isinstance(value, float) else "a number too large for floats"
                raise _fault(name, path, f"{told} is not {describe(schema)}")


def _right_type(value: object, schema: Schema) -> bool:
    match schema:
        case Text():
            return isinstance(value, str)
        case Boolean():
            return isinstance(value, bool)
        case Nothing():
            return value is None
        case Integer():
            return isinstance(value, int) and not isinstance(value, bool)
        case Number():
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case ListOf():
            return isinstance(value, list)
        case MapOf() | Table():
            return isinstance(value, Mapping)
        case _:
            return True


def _mapping(value: object, *, name: str, path: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _fault(name, path, f"expected a mapping, found {kind(value)}")
    return value


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _fault(name: str, path: str, what: str, hint: str = "") -> MlgitError:
    return MlgitError(": ".join(part for part in (name, path, what) if part), hint)


def _allowed(known: Iterable[str]) -> str:
    return "known keys: " + ", ".join(known)


# A file that is none of its kind, such as one that a link leads to, may be one text.
_LONG = 60


def kind(value: object) -> str:
    """What a value is, in the words of its file."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{value if len(value) <= _LONG else value[:_LONG] + '…'}'"
        case list():
            return "a list"
        case Mapping():
            return "a mapping"
        case _:
            return type(value).__name__


def describe(schema: Schema) -> str:
    """What a schema expects, in words."""
    match schema:
        case Text(choices):
            return f"one of {', '.join(choices)}" if choices else "text"
        case Integer(minimum):
            return "a whole number" if minimum is None else f"a whole number of at least {minimum}"
        case Number(minimum, maximum):
            low = "" if minimum is None else f" of at least {minimum:g}"
            high = "" if maximum is None else f"{' and' if low else ' of'} at most {maximum:g}"
            return f"a {'' if low or high else 'finite '}number{low}{high}"
        case Boolean():
            return "true or false"
        case Nothing():
            return "nothing"
        case ListOf():
            return "a list"
        case MapOf() | Table():
            return "a mapping"
        case Either(options):
            return " or ".join(map(describe, options))
        case Anything():
            return "anything"


def json_schema(schema: Schema) -> dict[str, Any]:
    """The same table as JSON Schema (draft 2020-12), for editors."""
    match schema:
        case Text(choices, pattern):
            found: dict[str, Any] = {"type": "string"}
            return found | ({"enum": list(choices)} if choices else {}) | ({"pattern": f"^(?:{pattern})$"} if pattern else {})
        case Integer(minimum, choices):
            found = {"type": "integer"}
            return found | ({} if minimum is None else {"minimum": minimum}) | ({"enum": list(choices)} if choices else {})
        case Number(minimum, maximum):
            bounds = {"minimum": minimum, "maximum": maximum}
            return {"type": "number"} | {key: bound for key, bound in bounds.items() if bound is not None}
        case Boolean():
            return {"type": "boolean"}
        case Nothing():
            return {"type": "null"}
        case ListOf(item):
            return {"type": "array", "items": json_schema(item)}
        case MapOf(item, key_pattern):
            names = {"propertyNames": {"pattern": f"^(?:{key_pattern})$"}} if key_pattern else {}
            return {"type": "object", "additionalProperties": json_schema(item)} | names
        case Either((ListOf() | MapOf() | Table() as filled, Nothing())):
            # not anyOf: an editor then names the fault inside, and completes keys
            found = json_schema(filled)
            return found | {"type": [found["type"], "null"]}
        case Either(options):
            return {"anyOf": [json_schema(option) for option in options]}
        case Table(keys):
            return {
                "type": "object",
                "properties": {key.name: {"description": key.doc} | json_schema(key.schema) for key in keys},
                "required": [key.name for key in keys if key.required],
                "additionalProperties": False,
            }
        case Anything():
            return {}
