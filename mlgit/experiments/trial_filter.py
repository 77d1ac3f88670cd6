"""Which trials are shown: `--filter 'roc_auc>=0.9 and (train.lr<0.2 or not name ~ "C-*")'`.

A comparison holds a column against a value. What a trial lacks matches nothing, and neither does a number that is none.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlgit.errors import MlgitError

_EXAMPLE = "for example `--filter 'roc_auc>=0.9 and train.lr<0.2'`; names with odd characters stand in backquotes"
_LONGEST = 1_000
_DEEPEST = 40
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<sign><=|>=|==|!=|=|<|>|~)
    |(?P<bracket>[()])
    |`(?P<name>[^`]+)`
    |"(?P<double>[^"]*)"|'(?P<single>[^']*)'
    |(?P<word>[^\s<>=!~()`"']+)
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}

# The value that a trial has in a column, as (whether it has one, which).
Look = Callable[[str], tuple[bool, Any]]


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class TrialFilter:
    """A condition on trials; `columns` are the names that it looks at."""

    text: str
    columns: tuple[str, ...]
    _holds: Callable[[Look], bool]

    def holds(self, look: Look) -> bool:
        """Whether a trial, whose columns are looked up so, is shown."""
        return self._holds(look)


def parse(text: str) -> TrialFilter:
    """The condition in a text. Raises MlgitError with the place that is not understood."""
    if len(text) > _LONGEST:
        raise MlgitError(f"--filter: {len(text):,} characters, at most {_LONGEST:,} are read", _EXAMPLE)
    parser = _Parser(text)
    holds = parser.either(0)
    parser.end()
    return TrialFilter(text.strip(), tuple(dict.fromkeys(parser.columns)), holds)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._position = 0
        self.columns: list[str] = []

    def either(self, depth: int) -> Callable[[Look], bool]:
        parts = [self._all(depth)]
        while self._takes("word", "or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else lambda look: any(each(look) for each in parts)

    def _all(self, depth: int) -> Callable[[Look], bool]:
        parts = [self._one(depth)]
        while self._takes("word", "and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else lambda look: all(each(look) for each in parts)

    def _one(self, depth: int) -> Callable[[Look], bool]:
        if depth > _DEEPEST:
            raise self._wrong("nested too deeply")
        if self._takes("word", "not"):
            inner = self._one(depth + 1)
            return lambda look: not inner(look)
        if self._takes("bracket", "("):
            found = self.either(depth + 1)
            if not self._takes("bracket", ")"):
                raise self._wrong("a bracket is not closed")
            return found
        return self._comparison()

    def _comparison(self) -> Callable[[Look], bool]:
        column = self._next(("word", "name"), "the name of a column")
        sign = self._next(("sign",), f"one of >= <= > < == != ~ behind '{column.text}'").text
        token = self._next(("word", "double", "single"), f"a value behind '{column.text} {sign}'")
        value = _value(token)
        self.columns.append(column.text)
        return lambda look: _compares(look(column.text), sign, value)

    def end(self) -> None:
        if self._position < len(self._tokens):
            raise self._wrong("'and' or 'or' expected")

    def _takes(self, kind: str, text: str) -> bool:
        token = self._tokens[self._position] if self._position < len(self._tokens) else None
        is_it = token is not None and token.kind == kind and token.text == text
        self._position += is_it
        return is_it

    def _next(self, kinds: Sequence[str], wanted: str) -> _Token:
        token = self._tokens[self._position] if self._position < len(self._tokens) else None
        if token is None or token.kind not in kinds:
            raise self._wrong(f"{wanted} expected")
        self._position += 1
        return token

    def _wrong(self, what: str) -> MlgitError:
        at = self._tokens[self._position].at if self._position < len(self._tokens) else len(self._text)
        place = f"at '{self._text[at : at + 20].strip()}'" if self._text[at:].strip() else "at its end"
        return MlgitError(f"--filter: {place}: {what}", _EXAMPLE)


def _tokens(text: str) -> list[_Token]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            rest = text[position:].strip()
            raise MlgitError(f"--filter: at '{rest[:20]}': not understood", _EXAMPLE)
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return found


def _value(token: _Token) -> Any:
    if token.kind != "word":
        return token.text
    if _NUMBER.fullmatch(token.text):
        return float(token.text)
    return _WORDS.get(token.text, token.text)


def _compares(found: tuple[bool, Any], sign: str, wanted: Any) -> bool:
    is_there, value = found
    if not is_there or value != value:
        return False
    if sign == "~":
        return fnmatch.fnmatchcase(_as_text(value), _as_text(wanted))
    if sign in ("=", "==", "!="):
        return _is_same(value, wanted) == (sign != "!=")
    if not _is_number(value) or not _is_number(wanted):
        return False
    return bool({">=": value >= wanted, "<=": value <= wanted, ">": value > wanted, "<": value < wanted}[sign])


def _is_same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool) or wanted is None:
        return value is wanted
    if _is_number(value) and _is_number(wanted):
        return bool(value == wanted)
    return _as_text(value) == _as_text(wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as_text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
