"""A packed log's columns: what they are called, and which type holds the values that were logged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit.serving.log_header import LogHeader
from mlgit.serving.logged import names

Kind = Literal["boolean", "integer", "number", "text"]
# What the log says of a row beside its values, with the types of Arrow that hold it.
OWN: Mapping[str, str] = {
    "id": "string",
    "request_id": "string",
    "row": "int64",
    "ts": "timestamp",
    "version": "string",
    "role": "string",
    "digest": "string",
    "code": "int64",
    "violations": "int64",
}
_DECLARED: Mapping[str, Kind] = {"boolean": "boolean", "integer": "integer", "number": "number"}
_LARGEST = 2**63
_AS_IT_IS: Mapping[str, type] = {"boolean": bool, "number": float, "integer": type(None)}
# The key of what a model predicts, which no column of its inputs has.
PREDICTION = "\0prediction"


@dataclass(slots=True)
class ColumnKinds:
    """What the columns of several files hold: what a contract declares, else what was seen in them."""

    declared: dict[str, set[Kind]] = field(default_factory=dict)
    seen: dict[str, set[type]] = field(default_factory=dict)
    is_large: set[str] = field(default_factory=set)

    def see_header(self, header: LogHeader) -> None:
        """Take up what a file's first line says of its columns; of hashed ones, that they are text."""
        for place, name in enumerate(header.columns):
            declared = header.types[place] if place < len(header.types) else ""
            self.seen.setdefault(name, set())
            if name in header.hashed:
                self.declared.setdefault(name, set()).add("text")
            elif declared:
                self.declared.setdefault(name, set()).add(_DECLARED.get(declared, "text"))

    def see(self, name: str, values: Iterable[Any]) -> None:
        """Take up values of a column."""
        kinds = set(map(type, values))
        self.seen.setdefault(name, set()).update(kinds)
        if int in kinds and any(type(each) is int and not -_LARGEST <= each < _LARGEST for each in values):
            self.is_large.add(name)

    def kind(self, name: str) -> Kind:
        """The type that holds a column: the contracts', where they agree, else the narrowest for all that was seen."""
        declared = self.declared.get(name)
        if declared:
            return _joined(declared)
        seen = self.seen.get(name, set()) - {type(None)}
        if not seen or seen <= {float} or (seen == {int, float}) or (seen == {int} and name in self.is_large):
            return "number"
        if seen == {bool}:
            return "boolean"
        return "integer" if seen == {int} else "text"


def _joined(kinds: set[Kind]) -> Kind:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "number" if kinds == {"integer", "number"} else "text"


def converted(values: Sequence[Any], kind: Kind) -> tuple[list[Any], int]:
    """The values as a column of a type holds them, and how many it cannot hold, which are missing there.

    Where requests that break the contract are answered too, a number can have been a word.
    """
    if kind == "text":
        return [_text(each) for each in values], 0
    if set(map(type, values)) <= {_AS_IT_IS[kind], type(None)}:
        return list(values), 0
    found = [_held(each, kind) for each in values]
    return found, sum(1 for each, held in zip(values, found, strict=True) if held is None and each is not None)


def _held(value: Any, kind: Kind) -> Any:
    if kind == "boolean":
        return value if type(value) is bool else None
    if kind == "number":
        try:
            return float(value) if type(value) in (int, float) else None
        except OverflowError:
            return None
    if type(value) is float and math.isfinite(value) and value.is_integer():  # 3.0, as an array of numbers writes 3
        value = int(value)
    return value if type(value) is int and -_LARGEST <= value < _LARGEST else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if value is not None and not value.isascii() else value
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def input_names(headers: Sequence[LogHeader], width: int) -> list[str]:
    """The input columns of several files, in the order in which they are met; `width` is that of rows without names."""
    return list(dict.fromkeys(name for header in headers for name in names(header, width)))


def own_names(inputs: Sequence[str], answers: Sequence[str]) -> dict[str, str]:
    """What the log's own columns and the answers are called: as they are, or behind `log_` where an input has the name."""
    taken = set(inputs)
    return {name: _free(name, taken) for name in (*OWN, *answers)}


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"log_{name}"
    taken.add(name)
    return name
