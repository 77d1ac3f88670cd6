"""How many rows of the test data are in the training data too: one count for cards, audits and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import BinaryIO

from mlgit.errors import MlgitError
from mlgit.render.text import few
from mlgit.tables import digests, formats, limits
from mlgit.tables.shared_rows import SharedRows


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table: its path, how to open it (None where it is not there), and how many bytes it has, where that is known."""

    path: str
    open: Callable[[], BinaryIO | None]
    size: int | None = None


def count(train: Sequence[TableFile], test: Sequence[TableFile], *, id_column: str = "") -> SharedRows:
    """How many rows of the test data are in the training data too; the column `id_column` names rows only.

    Names that do nothing but number the rows of both (0, 1, 2 or 1, 2, 3) tell of none that it is the same. Raises MlgitError,
    with the path, for what is not there, no table, or too large; and where the columns of both differ and no row is in both.
    """
    before: set[str] = set()
    now: set[str] = set()
    asked = [row for each in test for row in _of_file(each, id_column, now)]
    digests, keys = {digest for digest, _ in asked}, {key for _, key in asked if key}
    numbered = [_Numbered(), _Numbered()]
    for _, key in asked:
        numbered[0].take(key)
    known_digests: set[bytes] = set()
    known_keys: set[str] = set()
    for each in train:
        for digest, key in _of_file(each, id_column, before):
            numbered[1].take(key)
            if digest in digests:
                known_digests.add(digest)
            if key in keys:
                known_keys.add(key)
    known_keys = set() if all(each.is_by_place for each in numbered) else known_keys
    found = [(digest in known_digests, key in known_keys) for digest, key in asked]
    if asked and not known_digests and not known_keys and before != now:
        raise MlgitError(
            f"training and test data have different columns, so no rows are the same: {few(sorted(before ^ now))}",
            "let both have the same columns",
        )
    return SharedRows(len(asked), sum(row for row, _ in found), sum(key for _, key in found), sum(map(any, found)))


class _Numbered:
    """Whether the names of rows only tell their places: 0, 1, 2 or 1, 2, 3 and so on, in any order."""

    def __init__(self) -> None:
        self._rows, self._least, self._most = 0, 2, 0
        self._are_numbers = True

    def take(self, key: str) -> None:
        self._are_numbers = self._are_numbers and key.isdecimal()
        if self._are_numbers:
            number = int(key)
            self._rows, self._least, self._most = self._rows + 1, min(self._least, number), max(self._most, number)

    @property
    def is_by_place(self) -> bool:
        return self._are_numbers and self._least < 2 and self._most - self._least == self._rows - 1


def known(tables: Sequence[TableFile], *, without: str = "", names: set[str] | None = None) -> AbstractSet[bytes]:
    """The digests of all rows of these tables; the columns that count are added to `names`."""
    found: set[bytes] = set()
    for each in tables:
        found.update(digest for digest, _ in _of_file(each, without, names))
    return found


def shared(
    train: AbstractSet[bytes], test: Sequence[TableFile], *, without: str = "", names: set[str] | None = None
) -> tuple[int, int]:
    """How many rows of these tables are known, and of how many."""
    found = rows = 0
    for each in test:
        for digest, _ in _of_file(each, without, names):
            rows += 1
            found += digest in train
    return found, rows


def _of_file(file: TableFile, without: str, names: set[str] | None) -> Iterator[tuple[bytes, str]]:
    try:
        formats.known(file.path)
        limits.refuse_bytes(file.size or 0, most=limits.OVERLAP_BYTES)
        with _opened(file) as stream:
            rows = digests.row_digests(stream, path=file.path, id_column=without, names=names)
            for number, row in enumerate(rows):
                if number >= limits.OVERLAP_ROWS:
                    raise limits.TooLargeError(f"more than {limits.OVERLAP_ROWS} rows, so they are not compared")
                yield row
    except MlgitError as error:
        told = error.message if error.message.startswith(f"{file.path}: ") else f"{file.path}: {error.message}"
        raise MlgitError(told, error.hint) from error


def _opened(file: TableFile) -> BinaryIO:
    stream = file.open()
    if stream is None:
        raise MlgitError("no such file", "`mlgit run` makes it, `dvc pull` brings it back")
    return stream
