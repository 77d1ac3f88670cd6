"""What the commits of a chain hold, as JSON and back: canonical where it is written, and nothing believed where it is read."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.monitoring import verdict as verdicts
from mlgit.monitoring.chain import Acceptance
from mlgit.monitoring.sketch import ColumnCounts, WindowCounts
from mlgit.monitoring.verdict import MonitorVerdict, VerdictWord

SCHEMA = 1
_Test = Callable[[Any], bool]
_LONGEST_TEXT = 20_000
_MOST_ITEMS = 20_000
_MOST_CELLS = 1_000_000
_LARGEST = 2**53
_HINT = "`git log` of the ref tells who wrote it"


def encode_verdict(verdict: MonitorVerdict) -> bytes:
    """A verdict as it is written down: sorted keys, the same bytes for the same verdict."""
    return _encoded(verdict.document())


def decode_verdict(data: bytes, *, where: str) -> MonitorVerdict:
    """The verdict that was written down. Raises MlgitError, with the place, for anything else."""
    found: MonitorVerdict = _checked(MonitorVerdict, verdicts.of_document(_decoded(data, where), where=where), where)
    return found


def encode_acceptance(acceptance: Acceptance) -> bytes:
    """An acceptance as it is written down: who and when stand in the commit."""
    return _encoded(
        {
            "schema": SCHEMA,
            "window": acceptance.window,
            "model_digest": acceptance.model_digest,
            "name": acceptance.name,
            "reason": acceptance.reason,
        }
    )


def decode_acceptance(data: bytes, *, where: str, author: str, when: int) -> Acceptance:
    """The acceptance that was written down. Raises MlgitError, with the place, for anything else."""
    document = _document(data, where)
    texts = {name: document.get(name) for name in ("window", "model_digest", "name", "reason")}
    return _checked(Acceptance, Acceptance(**texts, author=author, when=when), where)  # type: ignore[arg-type, no-any-return]


def encode_counts(counts: WindowCounts) -> bytes:
    """The counts of a window as they are written down: one line a column."""
    columns = {name: _column_document(each) for name, each in counts.columns.items()}
    return _encoded(
        {
            "schema": SCHEMA,
            "rows": int(counts.rows),
            "columns": columns,
            "unknown": {name: [[level, int(rows)] for level, rows in found] for name, found in counts.unknown.items()},
            "lacking": list(counts.lacking),
        },
        indent=None,
    )


def _column_document(column: ColumnCounts) -> dict[str, Any]:
    found = {"counts": column.counts.tolist(), "missing": column.missing.tolist()}
    if column.sums is not None:
        found["sums"] = column.sums.tolist()
    if column.squares is not None:
        found["squares"] = column.squares.tolist()
    return found


def decode_counts(data: bytes, *, where: str) -> WindowCounts:
    """The counts that were written down. Raises MlgitError, with the place, for anything else."""
    document = _document(data, where)
    try:
        found = WindowCounts(
            document["rows"],
            {name: _column(each, f"{where}: {name!r}") for name, each in document["columns"].items()},
            {
                name: tuple((_checked(str, level, where), _checked(int, rows, where)) for level, rows in each)
                for name, each in document["unknown"].items()
            },
            _checked(tuple[str, ...], tuple(document["lacking"]), where),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _no_counts(where) from error
    _checked(int, found.rows, where)
    return found


def _column(document: Mapping[str, Any], where: str) -> ColumnCounts:
    counts, missing = (_array(document[name], where, is_whole=True) for name in ("counts", "missing"))
    sums, squares = (
        _array(document[name], where, is_whole=False) if name in document else None for name in ("sums", "squares")
    )
    n_batches = len(missing)
    shapes = [(n_batches,) if each is None else each.shape for each in (sums, squares)]
    if counts.ndim != 2 or missing.ndim != 1 or any(len(each) not in (1, 2) for each in shapes):
        raise _no_counts(where)
    if len(counts) != n_batches or any(each[0] != n_batches for each in shapes):
        raise _no_counts(where)
    return ColumnCounts(counts, missing, sums, squares)


def _array(values: Sequence[Any], where: str, *, is_whole: bool) -> Any:
    if not isinstance(values, list):
        raise _no_counts(where)
    found = np.array(values) if values else np.zeros(0, dtype=np.int64)
    if found.dtype.kind not in ("iu" if is_whole else "iuf") or found.size > _MOST_CELLS:
        raise _no_counts(where)
    if is_whole:
        if found.size and found.min() < 0:
            raise _no_counts(where)
        return found
    if not np.isfinite(found).all():
        raise _no_counts(where)
    return found.astype(float, copy=False)


def _no_counts(where: str) -> MlgitError:
    return MlgitError(f"{where}: not the counts of a window", _HINT)


def _encoded(document: Mapping[str, Any], *, indent: int | None = 1) -> bytes:
    return (json.dumps(document, sort_keys=True, indent=indent, allow_nan=False) + "\n").encode()


def _document(data: bytes, where: str) -> dict[str, Any]:
    found = _decoded(data, where)
    if not isinstance(found, dict):
        raise MlgitError(f"{where}: not what mlgit wrote: a mapping was expected", _HINT)
    if found.get("schema") != SCHEMA:
        raise MlgitError(f"{where}: not of schema {SCHEMA}", "a newer mlgit wrote it: update mlgit")
    return found


def _decoded(data: bytes, where: str) -> Any:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise MlgitError(f"{where}: not JSON", _HINT) from error


def _checked(kind: Any, value: Any, where: str) -> Any:
    """A value held to its declared type and to limits."""
    if _test(kind)(value):
        return value
    place, found = _fault(kind, value, where)
    told = f"longer than {_LONGEST_TEXT} characters" if isinstance(found, str) and len(found) > _LONGEST_TEXT else ""
    raise MlgitError(f"{place}: {told or f'not expected there: {str(found)[:40]!r}'}", _HINT)


@functools.cache
def _test(kind: Any) -> _Test:
    """Whether a value is of a declared type. Made once for each: a chain holds 100,000 values."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = _test(_option(kind))
        return lambda value: value is None or inner(value)
    if origin is tuple:
        of_item = _test(get_args(kind)[0])
        return lambda value: type(value) is tuple and len(value) <= _MOST_ITEMS and all(map(of_item, value))
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        tests, fields = tuple(map(_test, hints.values())), operator.attrgetter(*hints)
        return lambda value: type(value) is kind and all(map(_held, tests, fields(value)))
    if kind == VerdictWord:
        return get_args(VerdictWord).__contains__
    return _SCALARS[str if origin is Literal else kind]  # of other words a later mlgit may know more


def _held(test: _Test, value: Any) -> bool:
    return test(value)


def _fault(kind: Any, value: Any, where: str) -> tuple[str, Any]:
    """The place of the first value that is not of its type, and the value."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _fault(_option(kind), value, where)
    if origin is tuple and type(value) is tuple and len(value) <= _MOST_ITEMS:
        item = get_args(kind)[0]
        return next(_fault(item, each, where) for each in value if not _test(item)(each))
    if dataclasses.is_dataclass(kind) and type(value) is kind:
        parts = [(name, each, getattr(value, name)) for name, each in get_type_hints(kind).items()]
        return next(_fault(each, part, f"{where}: {name}") for name, each, part in parts if not _test(each)(part))
    return where, value


def _option(kind: Any) -> Any:
    return next(each for each in get_args(kind) if each is not type(None))


_SCALARS: dict[Any, _Test] = {
    str: lambda value: type(value) is str and len(value) <= _LONGEST_TEXT,
    bool: lambda value: type(value) is bool,
    int: lambda value: type(value) is int and -_LARGEST <= value <= _LARGEST,
    float: lambda value: type(value) in (float, int) and -sys.float_info.max <= value <= sys.float_info.max,
}
