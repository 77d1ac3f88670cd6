"""Frozen dataclasses as JSON and back, held to their declared types and to limits: the reader trusts nobody.

A field may be text, a number, a truth value, one of some words, another dataclass, None, or tuples of these. Every field has to
be there, but those whose metadata says `later`: a report that an older mlgit has written has their defaults.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
import unicodedata
from collections.abc import Hashable
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin

from mlgit.errors import MlgitError, near_miss
from mlgit.render.text import plain

LATER = "later"
MAX_TEXT = 2000
MAX_ITEMS = 1000
MAX_INTEGER = 2**53
MAX_NUMBER = 1e300
_CUT = " …"
# Text that turns the reading direction can make a reader see another word than is there.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

T = TypeVar("T")


def dumps(value: Any) -> str:
    """A dataclass as JSON on one line. Texts are made one line and cut; numbers that JSON lacks become null where
    there need not be one, else the nearest there is (0 for NaN)."""
    return json.dumps(_written(type(value), value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _written(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if value is None or _is_beyond(value) else _written(_option(kind), value)
    if origin is tuple:
        return _written_tuple(get_args(kind), value)
    if _is_dataclass(kind):
        return {name: _written(each, getattr(value, name)) for name, each in _fields_of(kind).items()}
    if kind is float:
        return 0.0 if math.isnan(value) else max(-MAX_NUMBER, min(MAX_NUMBER, float(value)))
    if kind is int:
        return max(-MAX_INTEGER, min(MAX_INTEGER, int(value)))
    return cut(value) if kind is str else value


def _written_tuple(kinds: tuple[Any, ...], value: Any) -> list[Any]:
    """With an open end without numbers that JSON lacks, if an item cannot be None."""
    if kinds[-1] is not ...:
        return [_written(each, item) for each, item in zip(kinds, value, strict=True)]
    has_gaps = get_origin(kinds[0]) in (Union, types.UnionType)
    return [_written(kinds[0], item) for item in value[:MAX_ITEMS] if has_gaps or not _is_beyond(item)]


def _is_beyond(value: Any) -> bool:
    return isinstance(value, float) and not abs(value) <= MAX_NUMBER


def _is_dataclass(kind: Any) -> bool:
    """Whether a type is a dataclass (without telling the type checker, which would narrow it)."""
    return hasattr(kind, "__dataclass_fields__")


def _option(kind: Any) -> Any:
    """The type in a choice between it and None."""
    return next(each for each in get_args(kind) if each is not types.NoneType)


def cut(text: str, *, longest: int = MAX_TEXT) -> str:
    """Text on one line, without control characters, of at most `longest` characters."""
    safe = plain(text[: longest + 1])
    safe = "".join(f"\\u{ord(char):04x}" if _is_refused(char) else char for char in safe)
    return safe if len(safe) <= longest else safe[: longest - len(_CUT)] + _CUT


def _is_refused(char: str) -> bool:
    return char in _BIDI or (not char.isprintable() and unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"))


def loads(kind: type[T], content: bytes, *, source: str) -> T:
    """The dataclass `kind` that some JSON holds. Raises MlgitError, naming `source` and the place, for anything else."""
    try:
        document = json.loads(
            content.decode(),
            object_pairs_hook=functools.partial(_unique, source),
            parse_constant=functools.partial(_no, source),
        )
    except UnicodeDecodeError as error:
        raise MlgitError(f"{source}: not UTF-8") from error
    except RecursionError as error:
        raise MlgitError(f"{source}: nested too deeply") from error
    except ValueError as error:
        raise MlgitError(f"{source}: not JSON: {error}") from error
    read: T = _read(kind, document, source, "")
    return read


def _unique(source: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MlgitError(f"{source}: a key is there twice", "only what mlgit writes is read")
    return found


def _no(source: str, word: str) -> NoReturn:
    raise MlgitError(f"{source}: {word} is not a JSON number", "only what mlgit writes is read")


def _read(kind: Any, value: Any, source: str, path: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if value is None else _read(_option(kind), value, source, path)
    if origin is Literal:
        if not any(type(value) is type(each) and value == each for each in get_args(kind)):
            raise _fault(source, path, f"{_shown(value)} is not one of {', '.join(map(repr, get_args(kind)))}")
        return value
    if origin is tuple:
        return _read_tuple(get_args(kind), value, source, path)
    if _is_dataclass(kind):
        return _read_fields(kind, value, source, path)
    return _read_scalar(kind, value, source, path)


def _read_tuple(kinds: tuple[Any, ...], value: Any, source: str, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _fault(source, path, f"expected a list, found {_shown(value)}")
    if len(value) > MAX_ITEMS:
        raise _fault(source, path, f"{len(value)} entries are more than {MAX_ITEMS}")
    if kinds[-1] is ...:
        return tuple(_read(kinds[0], each, source, f"{path}[{index}]") for index, each in enumerate(value))
    if len(value) != len(kinds):
        raise _fault(source, path, f"expected {len(kinds)} entries, found {len(value)}")
    pairs = zip(kinds, value, strict=True)
    return tuple(_read(each, item, source, f"{path}[{index}]") for index, (each, item) in enumerate(pairs))


def _read_fields(kind: Any, value: Any, source: str, path: str) -> Any:
    known = _fields_of(kind)
    if not isinstance(value, dict):
        raise _fault(source, path, f"expected an object, found {_shown(value)}")
    for name in value:
        if name not in known:
            raise _fault(source, path, f"unknown key {_shown(name)}{near_miss(name[:40], known)}")
    later = _later_fields_of(kind)
    for name in known:
        if name not in value and name not in later:
            raise _fault(source, path, f"'{name}' is missing")
    given = {name: each for name, each in known.items() if name in value}
    return kind(**{name: _read(each, value[name], source, f"{path}.{name}" if path else name) for name, each in given.items()})


def _read_scalar(kind: Any, value: Any, source: str, path: str) -> Any:
    if kind is float and type(value) in (int, float) and abs(value) <= MAX_NUMBER:
        return float(value)
    if kind is int and type(value) is int and abs(value) <= MAX_INTEGER:
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise _fault(source, path, f"a text of {len(value)} characters is longer than {MAX_TEXT}")
        if any(map(_is_refused, value)):
            raise _fault(source, path, "a control character in a text")
        return value
    raise _fault(source, path, f"expected {_NAMES[kind]}, found {_shown(value)}")


_NAMES = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}


@functools.cache
def _fields_of(kind: Hashable) -> dict[str, Any]:
    """The declared types by field."""
    declared: Any = kind
    hints = typing.get_type_hints(declared)
    return {each.name: hints[each.name] for each in dataclasses.fields(declared)}


@functools.cache
def _later_fields_of(kind: Hashable) -> frozenset[str]:
    """The fields that older reports do not have: those marked `LATER`."""
    declared: Any = kind
    return frozenset(each.name for each in dataclasses.fields(declared) if each.metadata.get(LATER))


def _shown(value: Any) -> str:
    return cut(json.dumps(value, default=str)[:200], longest=60)


def _fault(source: str, path: str, what: str) -> MlgitError:
    return MlgitError(": ".join(part for part in (source, path, what) if part), "only what mlgit writes is read")
