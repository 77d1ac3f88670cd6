"""How many rows of the test data are in the training data too: one count for cards, audits and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.render.text import few
from mlgit.tables import candidates, digests, formats, limits
from mlgit.tables.digests import Counted
from mlgit.tables.shared_rows import SharedRows

# Below that, all rows are read before numpy and pandas are imported.
_SMALL_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table: its path, how to open it (None where it is not there), and how many bytes it has, where that is known."""

    path: str
    open: Callable[[], BinaryIO | None]
    size: int | None = None


def count(train: Sequence[TableFile], test: Sequence[TableFile], *, keys: Sequence[str] = ()) -> SharedRows:
    """How many rows of the test data are in the training data too; the columns `keys` name rows only.

    Names that do nothing but number the rows of both (0, 1, 2 or 1, 2, 3) tell of none that it is the same. Raises MlgitError,
    with the path, for what is not there, no table, or too large; and where the columns of both differ and no row is in both.
    """
    before, now = _Side(train, keys), _Side(test, keys)
    if _is_worth_numbering((*train, *test)):
        before.number()
        now.number()
        before.keep(now)
        now.keep(before)
    learned, asked = list(before.digests()), list(now.digests())
    digests_there, keys_there = {digest for digest, _ in learned}, {key for _, key in learned if key}
    if before.is_by_place and now.is_by_place:
        keys_there = set()
    found = [(digest in digests_there, key in keys_there) for digest, key in asked]
    if now.rows and not any(map(any, found)) and before.names != now.names:
        raise MlgitError(
            f"training and test data have different columns, so no rows are the same: {few(sorted(before.names ^ now.names))}",
            "let both have the same columns",
        )
    return SharedRows(now.rows, sum(row for row, _ in found), sum(key for _, key in found), sum(map(any, found)))


def _is_worth_numbering(files: Sequence[TableFile]) -> bool:
    """Whether rows are told apart sooner by numbers first: where pandas reads the files, and they are not small."""
    size = sum(_SMALL_BYTES if each.size is None else each.size for each in files)
    return size >= _SMALL_BYTES and all(table and table.separator for table in map(formats.of, (each.path for each in files)))


class _Side:
    """Tables whose rows are looked at; once numbered, only those that may be among the rows of the other side."""

    def __init__(self, files: Sequence[TableFile], keys: Sequence[str]) -> None:
        self.names: set[str] = set()
        self.rows = 0
        self._files, self._keys = files, keys
        self._numbers: list[tuple[Any, Any]] | None = None
        self._places: list[set[int] | None] = [None] * len(files)
        self._are_numbers, self._least, self._most = True, 2, 0

    @property
    def is_by_place(self) -> bool:
        """Whether the names of rows only tell their places: 0, 1, 2 or 1, 2, 3 and so on, in any order."""
        return self._are_numbers and self._least < 2 and self._most - self._least == self.rows - 1

    def number(self) -> None:
        """Read all rows, fast."""
        import numpy as np

        self._numbers = []
        for file in self._files:
            rows, keys = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.uint64)]
            with _reading(file) as stream:
                for piece in candidates.numbered(stream, path=file.path, counted=Counted(self._keys, self.names)):
                    rows.append(piece.rows)
                    keys.append(piece.keys)
                    self._take(piece.names.tolist() if piece.names.dtype.kind in "iu" else [""] * len(piece.names))
            self._numbers.append((np.concatenate(rows), np.concatenate(keys)))

    def keep(self, other: _Side) -> None:
        """Look only at rows whose number, or that of whose name, the other side has."""
        import numpy as np

        assert self._numbers is not None
        assert other._numbers is not None
        rows, keys = (np.unique(np.concatenate([each[at] for each in other._numbers])) for at in (0, 1))
        hits = [np.isin(each[0], rows) | (np.isin(each[1], keys) & (each[1] != 0)) for each in self._numbers]
        self._places = [set(np.flatnonzero(each).tolist()) for each in hits]

    def digests(self) -> Iterator[tuple[bytes, str]]:
        """Digests and names of the rows that are looked at."""
        for file, places in zip(self._files, self._places, strict=True):
            if places is None or places:
                for row in _of_file(file, self._keys, self.names, places):
                    if places is None:
                        self._take([row[1]])
                    yield row

    def _take(self, names: Sequence[str | int]) -> None:
        self.rows += len(names)
        numbers = [int(name) for name in names if isinstance(name, int) or name.isdecimal()] if self._are_numbers else []
        self._are_numbers = self._are_numbers and len(numbers) == len(names)
        self._least, self._most = min([self._least, *numbers]), max([self._most, *numbers])


def known(tables: Sequence[TableFile], *, without: Sequence[str] = (), names: set[str] | None = None) -> AbstractSet[bytes]:
    """The digests of all rows of these tables; the columns that count are added to `names`."""
    found: set[bytes] = set()
    for each in tables:
        found.update(digest for digest, _ in _of_file(each, without, names))
    return found


def shared(
    train: AbstractSet[bytes], test: Sequence[TableFile], *, without: Sequence[str] = (), names: set[str] | None = None
) -> tuple[int, int]:
    """How many rows of these tables are known, and of how many."""
    found = rows = 0
    for each in test:
        for digest, _ in _of_file(each, without, names):
            rows += 1
            found += digest in train
    return found, rows


def _of_file(
    file: TableFile, without: Sequence[str], names: set[str] | None, places: Collection[int] | None = None
) -> Iterator[tuple[bytes, str]]:
    with _reading(file) as stream:
        rows = digests.row_digests(stream, path=file.path, keys=without, names=names, places=places)
        for number, row in enumerate(rows):
            if number >= limits.OVERLAP_ROWS:
                raise limits.TooLargeError(f"more than {limits.OVERLAP_ROWS} rows, so they are not compared")
            yield row


@contextmanager
def _reading(file: TableFile) -> Iterator[BinaryIO]:
    """The open file; what is wrong with it is told with its path."""
    try:
        formats.known(file.path)
        limits.refuse_bytes(file.size or 0, most=limits.OVERLAP_BYTES)
        with _opened(file) as stream:
            yield stream
    except MlgitError as error:
        told = error.message if error.message.startswith(f"{file.path}: ") else f"{file.path}: {error.message}"
        raise MlgitError(told, error.hint) from error


def _opened(file: TableFile) -> BinaryIO:
    stream = file.open()
    if stream is None:
        raise MlgitError("no such file", "`mlgit run` makes it, `dvc pull` brings it back")
    return stream
