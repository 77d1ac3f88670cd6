"""The points of a plot, from what its files hold, as DVC takes them: which columns are x and y, and which rows go together."""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.errors import MlgitError

INDEX = "step"
Row = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class PlotSeries:
    """The values of one column of one file on one side, each with what stands below it."""

    side: str
    file: str
    field: str
    points: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, slots=True)
class PlotAxes:
    """What the axes are called."""

    x: str
    y: str


def table(text: str, *, path: str, header: bool = True) -> list[Row]:
    """The rows of a CSV or TSV file, as texts by column; without a header, columns are numbered.

    Raises MlgitError for a line that no row can be made of.
    """
    mark = "\t" if path.endswith(".tsv") else ","
    try:
        columns = None if header else [str(at) for at, _ in enumerate(next(csv.reader(io.StringIO(text), delimiter=mark), []))]
        return list(csv.DictReader(io.StringIO(text), delimiter=mark, fieldnames=columns))
    except csv.Error as error:
        raise MlgitError(f"{path}: {error}") from error


def series(
    name: str, settings: Mapping[str, Any], contents: Mapping[str, Any], *, side: str
) -> tuple[tuple[PlotSeries, ...], PlotAxes]:
    """The series of a plot on one side; `contents` are its files, parsed, by path.

    Raises MlgitError for a column that a file does not have, and for files that do not go together.
    """
    rows = {path: _rows(content) for path, content in contents.items()}
    ys = list(_columns(_of_y(name, settings, contents)))
    xs = list(_columns(_of_x(name, settings)))
    for path, column in (*xs, *ys):
        _require(rows, path, column)
    if len(xs) > 1 and len(xs) != len(ys):
        raise MlgitError(f"{name}: {len(xs)} columns for x and {len(ys)} for y", "name one x, or one for each y")
    shorten = len(posixpath.commonpath([path for path, _ in ys])) if len({path for path, _ in ys}) > 1 else 0
    found = []
    for at, (path, column) in enumerate(ys):
        x = xs[at if len(xs) > 1 else 0] if xs else None
        points = _points(rows, path, column, x, name)
        if points:
            found.append(PlotSeries(side, path[shorten:].strip("/"), column, points))
    return tuple(found), PlotAxes(_label(settings, "x_label", xs, INDEX, "x"), _label(settings, "y_label", ys, "", "y"))


def _label(settings: Mapping[str, Any], key: str, columns: Sequence[tuple[str, str]], none: str, several: str) -> str:
    if settings.get(key) is not None:
        return str(settings[key])
    names = {column for _, column in columns}
    return next(iter(names)) if len(names) == 1 else several if names else none


def _points(
    rows: Mapping[str, list[Row]], path: str, column: str, x: tuple[str, str] | None, name: str
) -> tuple[tuple[Any, Any], ...]:
    own = rows.get(path, [])
    if x is None:
        return tuple((at, row[column]) for at, row in enumerate(own) if column in row)
    others = rows.get(x[0], [])
    if len(others) != len(own):
        told = f"'{x[1]}' of {x[0]} has {len(others)} rows and '{column}' of {path} {len(own)}"
        raise MlgitError(f"{name}: {told}", "x and y need the same number")
    return tuple(
        (other.get(x[1]), row[column]) for other, row in zip(others, own, strict=True) if column in row and x[1] in other
    )


def _of_y(name: str, settings: Mapping[str, Any], contents: Mapping[str, Any]) -> Mapping[str, Any]:
    y = settings.get("y")
    if isinstance(y, Mapping):
        return y
    if y is not None:
        return {name: y}
    for rows in _lists(contents.get(name, [])):
        if rows and all(isinstance(row, Mapping) for row in rows):
            return {name: list(rows[0])[-1]} if rows[0] else {}
    return {}


def _of_x(name: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    x, y = settings.get("x"), settings.get("y")
    if isinstance(x, Mapping):
        return x
    if x is None:
        return {}
    if isinstance(y, Mapping):  # the same column of each file of y, once for each of its columns
        return {path: [x] * len(columns) if isinstance(columns, list) else x for path, columns in y.items()}
    return {name: x}


def _columns(axis: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, columns in axis.items():
        yield from ((path, str(each)) for each in (columns if isinstance(columns, list) else [columns]))


def _require(rows: Mapping[str, list[Row]], path: str, column: str) -> None:
    known = rows.get(path)
    if known and column not in known[0]:
        there = ", ".join(str(each) for each in known[0])
        raise MlgitError(f"{path}: no column '{column}'", f"its columns: {there}")


def _rows(content: Any) -> list[Row]:
    """The rows in all lists of a document, those at one place put together."""
    found: list[Row] = []
    for listed in _lists(content):
        if (
            listed
            and all(isinstance(row, Mapping) for row in listed)
            and set(listed[0]) == {key for row in listed for key in row}
        ):
            found += [{} for _ in range(len(listed) - len(found))]
            for row, values in zip(found, listed, strict=False):
                row.update(values)
    return found


def _lists(content: Any) -> Iterator[list[Any]]:
    if isinstance(content, list):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            if isinstance(value, list | Mapping):
                yield from _lists(value)
