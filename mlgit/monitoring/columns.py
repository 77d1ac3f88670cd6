"""Which columns of a model's data are watched, and as what: numbers, categories, texts or vectors."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError, near_miss
from mlgit.model_settings import Model
from mlgit.monitoring import moments
from mlgit.monitoring.sketch import ColumnKind
from mlgit.monitoring.sketching import WatchedColumn
from mlgit.monitoring_settings import Monitoring
from mlgit.render.text import few
from mlgit.statistics.rows import Coded
from mlgit.validation.contract import Contract, ContractColumn

_TIMES = ("date", "timestamp", "time")
_MOVES = "times move by nature"
# So many values of a column, from all over it, tell what it is.
_SAMPLE = 1000
# Texts of so many words, or characters, most of which come once, are sentences and no names.
_WORDS, _CHARACTERS = 4, 60
# Fewer rows that are numbered one by one may be so by chance.
_FEWEST_NUMBERED = 30


@dataclass(frozen=True, slots=True)
class WatchedColumns:
    """The columns that are watched, in the order of the data, and what is not, with why."""

    columns: tuple[WatchedColumn, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(each.name for each in self.columns)


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """Why a column is not watched; '' where everybody knows."""

    why: str = ""


def watched(
    table: Mapping[str, Any],
    *,
    model: Model,
    settings: Monitoring,
    contract: Contract | None = None,
    window: Collection[str] | None = None,
    hashed: Collection[str] = (),
) -> WatchedColumns:
    """The columns of training data that are watched.

    With a contract those that it describes and that are there at serving; without one, those that `window` has too (None: not
    known yet). Ids, labels, predictions, times and what is excluded are not, nor what is `hashed` in the log.
    """
    found: list[WatchedColumn] = []
    left: dict[str, list[str]] = {}
    truth = settings.labels.label if settings.labels else ""
    # these are no inputs, whatever a contract of the training data says of them
    answers = {model.id, model.label} - {""}
    own = {model.id, model.label, truth, *({model.prediction, model.score} if model.prediction in table else ())} - {""}
    for name, values in table.items():
        column = contract.column(name) if contract else None
        judged = _LeftOut() if name in answers else None
        judged = judged or _as_declared(name, column, own=own, settings=settings, has_contract=contract is not None)
        if judged is None and contract is None and window is not None and name not in window:
            judged = _LeftOut("not in the windows")
        if judged is None and name in hashed:
            judged = _LeftOut("logged as hashes only")
        if judged is None and name in (model.order, settings.windows.by.column):
            judged = _LeftOut(_MOVES)
        kind = judged or kind_of(values, declared=column.type if column else "")
        if isinstance(kind, _LeftOut):
            left.setdefault(kind.why, []).append(name)
            continue
        found.append(WatchedColumn(name, kind, contract is not None and contract.is_private(name)))
    return WatchedColumns(tuple(found), tuple(_notes(left, table, settings, contract, own=answers)))


def _as_declared(
    name: str, column: ContractColumn | None, *, own: Collection[str], settings: Monitoring, has_contract: bool
) -> _LeftOut | None:
    """Why a column is left out by what is declared; None where nothing says so."""
    if name in settings.exclude:
        return _LeftOut()
    if column is not None:
        if column.is_key or column.is_absent_at_serving:
            return _LeftOut()
        # what the contract has as an input may be called as predictions are elsewhere
        return _LeftOut(_MOVES) if column.type in _TIMES else None
    return _LeftOut() if name in own else _LeftOut("not in the contract") if has_contract else None


def kind_of(values: Any, *, declared: str = "") -> ColumnKind | _LeftOut:
    """What a column is, by its values and the type that a contract declares; or why it cannot be watched."""
    if isinstance(values, Coded):
        return _of_texts(list(values.names), [values.names[each] for each in _spread(values.places).tolist()], declared)
    found = np.asarray(values)
    if found.ndim > 1:
        return "vector"
    if found.dtype.kind == "M":
        return _LeftOut(_MOVES)
    if found.dtype.kind in "iuf":
        if _counts_rows(found):
            return _LeftOut("numbers of rows")
        is_empty = found.dtype.kind == "f" and bool(np.isnan(found).all())
        return "category" if declared in ("string", "boolean") and not is_empty else "number"
    if found.dtype.kind == "b":
        return "category"
    known = [each for each in _spread(found).tolist() if each is not None]
    if any(isinstance(each, dict | list | bytes) for each in known):
        return _LeftOut("of values that are neither numbers nor texts")
    return _of_texts([str(each) for each in known], [str(each) for each in known], declared)


def _of_texts(names: Sequence[str], sample: Sequence[str], declared: str) -> ColumnKind | _LeftOut:
    if not declared and sample and all(moments.microseconds(each) is not None for each in names[:_SAMPLE]):
        return _LeftOut(_MOVES)
    if not sample or len(set(sample)) <= len(sample) / 2:
        return "category"
    words = sum(len(each.split()) for each in sample) / len(sample)
    characters = sum(map(len, sample)) / len(sample)
    return "text" if words >= _WORDS or (characters >= _CHARACTERS and words > 1.5) else "category"


def _spread(values: Any) -> Any:
    """Values from all over a column."""
    return values[:: max(1, len(values) // _SAMPLE)]


def _counts_rows(values: Any) -> bool:
    """Whether a column numbers the rows one by one: that grows by nature."""
    if len(values) < _FEWEST_NUMBERED or not np.isfinite(values[[0, -1]]).all():
        return False
    return bool((np.diff(values) == 1).all())


def texts_of(contract: Contract | None) -> frozenset[str]:
    """The columns that a contract calls texts: `007` is no number there, in a file that has no types."""
    return frozenset() if contract is None else frozenset(each.path for each in contract.columns if each.type == "string")


def importances(document: Any, *, path: str) -> dict[str, float]:
    """The importance of columns, of a parsed JSON file: column -> number. Raises MlgitError for another form."""
    if not isinstance(document, Mapping) or not document:
        raise MlgitError(f"{path}: no importance of columns", 'write `{"COLUMN": 0.25, ...}` from the stage that trains')
    found = {}
    for name, value in document.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise MlgitError(f"{path}: {name}: {value!r} is no importance", "write a number, as permutation_importance has it")
        found[str(name)] = max(0.0, float(value))  # what is less than nothing is chance
    if not any(found.values()):
        raise MlgitError(f"{path}: no column is important", "leave out `columns.importance`, and all count the same")
    return found


def _notes(
    left: Mapping[str, Sequence[str]],
    table: Mapping[str, Any],
    settings: Monitoring,
    contract: Contract | None,
    *,
    own: Collection[str],
) -> Iterator[str]:
    for why, names in left.items():
        if why:
            yield f"not watched, {why}: {few(names)}"
    for name in settings.exclude:
        if name not in table:
            yield f"columns.exclude: no column '{name}'{near_miss(name, table)}"
    if contract is not None:
        expected = [
            each.path
            for each in contract.columns
            if "." not in each.path and "[" not in each.path and not each.is_absent_at_serving and not each.is_key
        ]
        if lacking := [each for each in expected if each not in table and each not in settings.exclude and each not in own]:
            yield f"in the contract, and not in the training data: {few(lacking)}"
