"""How much of a table is read: the one policy of all that read tables.

Memory is what is limited, never the truth of an answer: a table beyond a limit is refused with a sentence, and no part of it
passes for the whole. Bytes are those after unpacking, so that a small file of gzip is held to the same limits as its content.
"""

from __future__ import annotations

from mlgit.errors import MlgitError
from mlgit.render.text import size as shown_size

# Read through for rows and names of columns; what is larger would keep `mlgit diff` for minutes. Little is kept in memory.
OUTLINE_BYTES = 200 << 20
# Kept column by column for two sides: as numbers a table takes about five times its bytes.
VALUES_BYTES = 64 << 20
# Only the few columns that a rule needs are kept.
PREDICTIONS_BYTES = 128 << 20
PREDICTIONS_ROWS = 5_000_000
# Of seeds or folds, the columns of which lie in memory side by side.
PREDICTIONS_FILES = 1000
PREDICTIONS_FILES_BYTES = 512 << 20
# All columns are kept, as arrays: what a window is judged by, and what a model was trained with.
WHOLE_BYTES = 1 << 30
# A digest of a row takes about a hundred bytes; all rows of the training data are held at once.
OVERLAP_BYTES = 64 << 20
OVERLAP_ROWS = 5_000_000
# A Parquet file says itself how large its columns are unpacked, and how many values they have.
PARQUET_BYTES = 1 << 30
PARQUET_VALUES = 100_000_000
# A column costs a thousand bytes and more, however few stand in the file.
COLUMNS = 100_000
# A line, or a cell over several lines, lies in memory several times while it is read.
LINE_BYTES = 16 << 20
# A list or an object costs sixty bytes and more, and two characters in the file.
NESTED = 5_000_000
# A JSON document lies in memory as a whole, at about a hundred bytes for each value.
DOCUMENT_VALUES = 10_000_000
# Rows that share no key make a column each, with a place in every row.
DOCUMENT_PLACES = 50_000_000


class TooLargeError(MlgitError):
    """A table that is larger than what is asked of it allows."""


def refuse_bytes(size: int, *, most: int) -> None:
    """Raise TooLargeError for more bytes than are read."""
    if size > most:
        raise TooLargeError(f"more than {shown_size(most)}, so it is not read", "write fewer rows or columns")


def refuse_columns(number: int, *, rows: int = 0) -> None:
    """Raise MlgitError for more columns than are read, and for more places in all of `rows` that lie in memory at once."""
    if number > COLUMNS or number * rows > DOCUMENT_PLACES:
        raise TooLargeError(f"more than {COLUMNS} columns, so it is not read", "leave out columns that no rule needs")


def refuse_nested(number: int) -> None:
    """Raise MlgitError for more lists and objects than are read at once."""
    if number > NESTED:
        raise TooLargeError(f"more than {NESTED} lists and objects, so it is not read", "write fewer rows, or Parquet")


def refuse_document(values: int) -> None:
    """Raise MlgitError for a JSON document with more values than are read."""
    if values > DOCUMENT_VALUES:
        raise TooLargeError(f"more than {DOCUMENT_VALUES} values in one document, so it is not read", "write CSV or JSON Lines")


def refuse_line(size: int) -> None:
    """Raise MlgitError for a line, or the text of one cell, that is too long."""
    if size > LINE_BYTES:
        raise TooLargeError(f"a line of more than {LINE_BYTES >> 20} MiB, so it is not read", "see what writes the file")


def refuse_parquet(*, unpacked: int, values: int) -> None:
    """Raise MlgitError for a Parquet file that takes too much room unpacked."""
    if unpacked > PARQUET_BYTES:
        raise TooLargeError(
            f"unpacked it has more than {PARQUET_BYTES >> 30} GiB, so it is not read", "write fewer columns or rows"
        )
    if values > PARQUET_VALUES:
        raise TooLargeError(f"more than {PARQUET_VALUES} values, so they are not read", "write fewer columns or rows")
