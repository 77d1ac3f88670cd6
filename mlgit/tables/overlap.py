"""How many rows of the test data are in the training data too: one count for cards, audits and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import BinaryIO

from mlgit.errors import MlgitError
from mlgit.render.text import few
from mlgit.tables import digests, formats, limits


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table: its path, how to open it (None where it is not there), and how many bytes it has, where that is known."""

    path: str
    open: Callable[[], BinaryIO | None]
    size: int | None = None


def count(train: Sequence[TableFile], test: Sequence[TableFile], *, without: str = "") -> tuple[int, int]:
    """How many rows of the test data are in the training data too, and of how many; the column `without` names rows only.

    Raises MlgitError, with the path, for what is not there, no table, or too large; and where the columns of both differ and no
    row is in both.
    """
    before: set[str] = set()
    now: set[str] = set()
    found, rows = shared(known(train, without=without, names=before), test, without=without, names=now)
    if rows and not found and before != now:
        raise MlgitError(
            f"training and test data have different columns, so no rows are the same: {few(sorted(before ^ now))}",
            "let both have the same columns",
        )
    return found, rows


def known(tables: Sequence[TableFile], *, without: str = "", names: set[str] | None = None) -> AbstractSet[bytes]:
    """The digests of all rows of these tables; the columns that count are added to `names`."""
    found: set[bytes] = set()
    for each in tables:
        for digest in _of_file(each, without, names):
            found.add(digest)
            if len(found) > limits.OVERLAP_ROWS:
                raise limits.TooLargeError(f"{each.path}: more than {limits.OVERLAP_ROWS} rows, so they are not compared")
    return found


def shared(
    train: AbstractSet[bytes], test: Sequence[TableFile], *, without: str = "", names: set[str] | None = None
) -> tuple[int, int]:
    """How many rows of these tables are known, and of how many."""
    found = rows = 0
    for each in test:
        for digest in _of_file(each, without, names):
            rows += 1
            found += digest in train
    return found, rows


def _of_file(file: TableFile, without: str, names: set[str] | None) -> Iterator[bytes]:
    try:
        formats.known(file.path)
        limits.refuse_bytes(file.size or 0, most=limits.OVERLAP_BYTES)
        with _opened(file) as stream:
            yield from digests.row_digests(stream, path=file.path, without=without, names=names)
    except MlgitError as error:
        told = error.message if error.message.startswith(f"{file.path}: ") else f"{file.path}: {error.message}"
        raise MlgitError(told, error.hint) from error


def _opened(file: TableFile) -> BinaryIO:
    stream = file.open()
    if stream is None:
        raise MlgitError("no such file", "`mlgit run` makes it, `dvc pull` brings it back")
    return stream
