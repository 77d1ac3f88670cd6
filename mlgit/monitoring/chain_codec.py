"""What the commits of a chain hold, as JSON and back: canonical where it is written, and nothing believed where it is read."""

from __future__ import annotations

import dataclasses
import functools
import json
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
    is_right = found.dtype.kind in ("iu" if is_whole else "iuf") and found.size <= _MOST_CELLS
    if not is_right or not np.isfinite(found).all() or (is_whole and found.size and int(found.min()) < 0):
        raise _no_counts(where)
    return found if is_whole else found.astype(float)


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
    """A value held to its declared type and to limits; whole numbers become floats where those were declared."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        rest = next(each for each in get_args(kind) if each is not type(None))
        return None if value is None else _checked(rest, value, where)
    if origin is tuple:
        if not isinstance(value, tuple) or len(value) > _MOST_ITEMS:
            raise _of_wrong_type(where, value)
        return tuple(_checked(get_args(kind)[0], each, where) for each in value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, kind):
            raise _of_wrong_type(where, value)
        return kind(**{name: _checked(each, getattr(value, name), f"{where}: {name}") for name, each in _hints(kind).items()})
    if origin is Literal:
        # A later mlgit may know more words; only what decides has to be known here.
        return _scalar(str, value, where, accepts=lambda word: kind != VerdictWord or word in get_args(VerdictWord))
    return _scalar(kind, value, where)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _scalar(kind: type, value: Any, where: str, *, accepts: Callable[[Any], bool] = lambda _: True) -> Any:
    is_right = type(value) is kind or (kind is float and type(value) is int)
    if not is_right or not accepts(value):
        raise _of_wrong_type(where, value)
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            raise MlgitError(f"{where}: longer than {_LONGEST_TEXT} characters", _HINT)
        return value
    if not isinstance(value, bool) and not abs(value) <= (sys.float_info.max if kind is float else _LARGEST):
        raise MlgitError(f"{where}: no number that can be", _HINT)
    return float(value) if kind is float else value


def _of_wrong_type(where: str, value: Any) -> MlgitError:
    return MlgitError(f"{where}: not expected there: {str(value)[:40]!r}", _HINT)
