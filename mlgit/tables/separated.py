"""Tables with a separator between their fields, as texts: the header, then row by row.

pandas reads the same files where values are wanted as numbers; what is a row, what a column is called and what is no table are
the same in both.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Literal

from mlgit.errors import MlgitError
from mlgit.tables import limits, streams
from mlgit.tables.formats import TableFormat

_NAMES = {",": "commas", "\t": "tabs"}
_PIECE = 1 << 18
# Two fields, read after the last line; inside quotes that nobody has closed they are part of one.
_END = ["\ue000", "the end \ue000"]


def rows(
    source: bytes | BinaryIO, *, table: TableFormat, most: int, errors: str = "replace"
) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    """The names of the columns, and the rows; a row may have fewer fields, for those it lacks are missing.

    `errors` is what becomes of bytes that are no UTF-8. Raises MlgitError, when the rows are read, for what is no table.
    """
    text = io.TextIOWrapper(streams.text(source, table=table, most=most), encoding="utf-8-sig", errors=errors, newline="")
    found = _records(text, table.separator)
    header = next(found, [])
    limits.refuse_columns(len(header))
    return names(header), found


def for_pandas(source: bytes | BinaryIO, *, table: TableFormat, most: int) -> tuple[BinaryIO, Literal["strict", "replace"]]:
    """The text of a table as pandas reads it without losing any, and what to do with bytes that are no UTF-8: to be ready to
    replace some takes pandas several times as long.

    After an empty line that ends with a carriage return alone, it passes over the first separator or quote: a file with such
    line ends is written anew, with others.
    """
    has_lone_returns, is_utf8 = _looked_at(streams.text(source, table=table, most=most))
    if not has_lone_returns:
        return streams.text(source, table=table, most=most), "strict" if is_utf8 else "replace"
    text = io.TextIOWrapper(streams.text(source, table=table, most=most), encoding="utf-8-sig", errors="replace", newline="")
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=table.separator, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        _records(text, table.separator)
    )
    return io.BytesIO(written.getvalue().encode()), "strict"


def _looked_at(stream: BinaryIO) -> tuple[bool, bool]:
    """Whether a line ends with a carriage return alone, and whether all of it is UTF-8."""
    last, decoder, is_utf8 = b"", codecs.getincrementaldecoder("utf-8")(), True
    while piece := stream.read(_PIECE):
        if last == b"\r" and piece[:1] != b"\n":
            return True, False
        last = piece[-1:]
        whole = piece.removesuffix(b"\r")
        if b"\r" in whole and whole.count(b"\r") != whole.count(b"\r\n"):
            return True, False
        try:
            is_utf8 = is_utf8 and decoder.decode(piece) is not None
        except UnicodeDecodeError:
            is_utf8 = False
    return last == b"\r", is_utf8 and not decoder.getstate()[0]


def refused(separator: str, why: object) -> MlgitError:
    """What to say of a file that is no table with this separator."""
    said = " ".join(str(why).removeprefix("Error tokenizing data. C error: ").split())
    return MlgitError(f"no table with {_NAMES[separator]} between its fields: {said}")


def names(header: Sequence[str]) -> tuple[str, ...]:
    """A name for each column, as pandas gives them: `Unnamed: 0` for none at all, `a.1` for the second `a`."""
    given = [name or f"Unnamed: {place}" for place, name in enumerate(header)]
    there = set(given)
    counts: dict[str, int] = {}
    # those with a name of their own first: they keep it
    for place in sorted(range(len(given)), key=lambda place: not header[place]):
        name = given[place]
        count = counts.get(name, 0)
        while count:
            counts[given[place]] = count + 1
            name = f"{given[place]}.{count}"
            count = count + 1 if name in there else counts.get(name, 0)
        given[place] = name
        there.add(name)
        counts[name] = count + 1
    return tuple(given)


def line_numbers(source: bytes | BinaryIO, *, table: TableFormat, most: int) -> Iterator[int]:
    """The line, from 1, on which the header and each of the rows that `rows` gives begin."""
    text = io.TextIOWrapper(streams.text(source, table=table, most=most), encoding="utf-8-sig", errors="replace", newline="")
    before = csv.field_size_limit(limits.LINE_BYTES)
    lines = _Lines()
    begins = 1
    try:
        reader = csv.reader(lines.of(text, table.separator), delimiter=table.separator)
        for row in reader:
            if lines.hold(row):
                yield begins
            begins = reader.line_num + 1
    finally:
        csv.field_size_limit(before)


def _records(text: io.TextIOWrapper, separator: str) -> Iterator[list[str]]:
    """The header, then rows with no more fields than it has.

    A line of blanks is no row, and a separator after the last field of each row begins no field. The limit of the csv module
    is that of the whole process.
    """
    before = csv.field_size_limit(limits.LINE_BYTES)
    last: list[str] | None = None
    width = number = 0
    has_end = False
    lines = _Lines()
    try:
        for row in csv.reader(lines.of(text, separator), delimiter=separator):
            if not lines.hold(row):
                continue
            if last is not None:
                yield last
            number += 1
            width = width or len(row)
            if len(row) > width and row != _END:
                has_end = has_end or number == 2
                if len(row) > width + 1 or row.pop() or not has_end:
                    raise refused(separator, f"row {number - 1} has more fields than there are columns ({width})")
            last = row
    except csv.Error as error:
        raise refused(separator, error) from error
    finally:
        csv.field_size_limit(before)
    if last != _END:
        raise refused(separator, "a quote is opened and not closed (EOF inside string)")


class _Lines:
    """Lines as they are read, with one more after the last: a row of blanks does not tell whether there were quotes around."""

    def hold(self, record: list[str]) -> bool:
        """Whether the record that was read last is a row; a line of blanks is none."""
        return len(record) > 1 or (bool(record) and not (record[0] and self.is_blank))

    def of(self, text: io.TextIOWrapper, separator: str) -> Iterator[str]:
        for line in text:
            self._line = line
            yield line
        self._line = separator.join(_END)
        yield self._line

    @property
    def is_blank(self) -> bool:
        return not self._line.strip(" \t\r\n")
