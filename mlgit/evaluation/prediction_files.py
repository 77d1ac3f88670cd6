"""Several files of predictions as one table: those of seeds side by side, those of folds one below the other.

Seeds have the same rows: what the second file says in a column stands beside what the first says, under a name that no file can
have. Folds have rows of their own, and a column says which fold a row is of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation.align import Misaligned, align
from mlgit.evaluation.model_results import PredictionTable, Table, header_of
from mlgit.model_settings import Model
from mlgit.statistics.rows import Coded, Texts, is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_NUL = "\0"
FOLD = f"{_NUL}fold"
# Files that differ do so among their first rows, or are looked at as a whole.
_FIRST_ROWS = 1000


def files_of(table: Table) -> int:
    """How many files of seeds a table holds; 1 where it is a plain one."""
    return 1 + max((int(name.rpartition(_NUL)[2]) for name in table if _NUL in name and name != FOLD), default=0)


def distinct_files(table: Table) -> int:
    """How many files of seeds a table holds, a file and its copies counted once."""
    total = files_of(table)
    if total == 1:
        return 1
    first = {_digest(table, number, _FIRST_ROWS) for number in range(total)}
    return total if len(first) == total else len({_digest(table, number, None) for number in range(total)})


def _digest(table: Table, number: int, most: int | None) -> bytes:
    """Of what one file says in the columns that files differ in, in its first rows or all."""
    said = of_seed(table, number)
    hashed = blake2b(digest_size=16)
    for name in sorted({each.partition(_NUL)[0] for each in table if is_of_another(each)} - {""}):
        column = np.asarray(said[name][:most])
        is_number = column.dtype.kind in "biuf"
        hashed.update(column.astype(float).tobytes() if is_number else repr(list(map(str, column.tolist()))).encode())
    return hashed.digest()


def is_of_another(name: str) -> bool:
    """Whether a column is what another file than the first says, or which fold a row is of."""
    return _NUL in name


def folds_of(table: Table) -> Array | None:
    """The number of the fold of each row, shape (n,), from 0; None for a table without folds."""
    found = table.get(FOLD)
    return None if found is None else np.asarray(found)


def of_seed(table: Table, number: int) -> Table:
    """What one file says, the first being number 0."""
    if not number:
        return table
    plain = {name: column for name, column in table.items() if _NUL not in name}
    return {**plain, **{name: table[key] for name in plain if (key := f"{name}{_NUL}{number}") in table}}


def joined(model: Model, tables: Sequence[Table], paths: Sequence[str], *, shared: Collection[str]) -> PredictionTable:
    """The tables of all files as one; `shared` are the columns that say what a row is, and not what a model says of it.

    Raises MlgitError where files of seeds have other rows, other labels or other groups, and where two folds have one row.
    """
    found = _below(tables) if model.repeats == "folds" else _beside(model, tables, paths, shared)
    found.header = header_of(tables[0])
    return found


def _beside(model: Model, tables: Sequence[Table], paths: Sequence[str], shared: Collection[str]) -> PredictionTable:
    first = tables[0]
    found = PredictionTable(first)
    for number, (table, path) in enumerate(zip(tables[1:], paths[1:], strict=True), start=1):
        if absent := sorted(first.keys() - table.keys()):
            raise MlgitError(f"{path}: no column '{absent[0]}', and {paths[0]} has it", "let every seed write the same columns")
        places = _places(model, first, table, f"{path}, beside {paths[0]}")
        for name in first:
            column = rows_at(table[name], places)
            if name not in shared:
                found[f"{name}{_NUL}{number}"] = column
            elif name != model.id and not _is_same(first[name], column):
                raise MlgitError(
                    f"{path}: {name} is not that of {paths[0]} in all rows", "let every seed be judged on the same rows"
                )
    return found


def _places(model: Model, first: Table, other: Table, where: str) -> Array:
    if not model.id or model.id not in first:
        raise MlgitError(
            f"{where}: no column names the rows of both", f"add {model.where}.id to mlgit.yaml: the column that names a row"
        )
    found = align(first[model.id], other[model.id])
    if isinstance(found, Misaligned):
        told = found.reason.replace("the baseline", "the first file").replace("the current rows", "this file")
        raise MlgitError(f"{where}: {told}", "let every seed predict the same rows, or write `repeats: folds`")
    places = np.empty(len(found.current), dtype=np.int64)
    places[found.baseline] = found.current
    return places


def rows_at(column: Any, places: Array) -> Any:
    """A column at these places; one of texts or of classes stays one."""
    return column[places] if isinstance(column, Texts | Coded) else np.asarray(column)[places]


def _is_same(one: Any, other: Any) -> bool:
    before, now = np.asarray(one), np.asarray(other)
    if before.dtype.kind in "biuf" and now.dtype.kind in "biuf":
        return bool(np.array_equal(before, now, equal_nan="f" in (before.dtype.kind, now.dtype.kind)))
    return [str(each) for each in before.tolist()] == [str(each) for each in now.tolist()]


def composite(columns: Sequence[Any]) -> Array:
    """Several columns as one of texts, no two different rows of which have the same; none where a part is missing."""
    texts = [[_escaped(str(each)) for each in np.asarray(column).tolist()] for column in columns]
    found = np.array([" + ".join(parts) for parts in zip(*texts, strict=True)], dtype=object)
    found[np.logical_or.reduce([is_missing(column) for column in columns])] = None
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("+", "\\+")


def _below(tables: Sequence[Table]) -> PredictionTable:
    names = [name for name in tables[0] if all(name in each for each in tables)]
    found = PredictionTable({name: _stacked([each[name] for each in tables]) for name in names})
    sizes = [max(map(len, each.values()), default=0) for each in tables]
    found[FOLD] = np.repeat(np.arange(len(tables)), sizes)
    return found


def _stacked(columns: Sequence[Any]) -> Array:
    given = [np.asarray(each) for each in columns]
    if len({each.dtype.kind in "biuf" for each in given}) > 1:
        given = [each.astype(object) for each in given]
    return np.concatenate(given)
