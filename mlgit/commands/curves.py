"""The plots of both sides as lines: what dvc.yaml declares of a table, as far as it is one curve of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from mlgit.diff.diff import Diff
from mlgit.errors import MlgitError
from mlgit.report.document import Line, Plot
from mlgit.revision import data_tables, recorded_paths
from mlgit.revision.revision import Revision
from mlgit.tables import formats
from mlgit.tables.columns import DataTable

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

MOST = 6
_PLACES = 50  # where a curve is read off
_COUNTERS = ("step", "epoch", "iteration", "index", "i", "n", "x")


class _PlotColumns(NamedTuple):
    """The columns of a plot; '' where none is named."""

    x: str = ""
    y: str = ""
    title: str = ""


def plots(before: Revision, now: Revision, diff: Diff) -> tuple[Plot, ...]:
    """One plot for each table that is a plot and differs, with a line for each side; those below a folder that a stage makes
    are known by what dvc.yaml declares.
    """
    changed = [row for row in diff.data if row.kind == "plot" and row.change not in ("same", "removed")]
    named = _declared(now)
    paths = [row.path for row in changed if row.new and row.new.shape]
    named |= {path: columns for path, columns in _below(before, now, named).items() if path not in named}
    paths = [
        *paths,
        *(path for path in named if path not in paths and path not in diff.head.data and _differs(before, now, path)),
    ][:MOST]
    if not paths:
        return ()
    old, new = data_tables.read(before, paths), data_tables.read(now, paths)
    found = (_plot(path, named.get(path, _PlotColumns()), old.get(path), new.get(path), before.ref.name) for path in paths)
    return tuple(plot for plot in found if plot)


def _below(before: Revision, now: Revision, named: Mapping[str, _PlotColumns]) -> dict[str, _PlotColumns]:
    """The tables in folders that are declared as plots, with what is declared of the folder."""
    found: dict[str, _PlotColumns] = {}
    for folder, columns in named.items():
        with suppress(MlgitError):  # a list of files that is not in the cache
            if now.contents.is_folder(folder) or recorded_paths.covering(now.recorded, folder):
                found |= {path: columns for path in now.contents.files(folder) if path != folder and formats.of(path)}
    return found


def _differs(before: Revision, now: Revision, path: str) -> bool:
    found = now.digest_or_none(path) if formats.of(path) else None
    return found is not None and found != before.digest_or_none(path)


def _declared(revision: Revision) -> dict[str, _PlotColumns]:
    """The plots of the top dvc.yaml by the path of their file; what is declared in other ways is left to DVC."""
    document = revision.files.document("dvc.yaml")
    stages = document.get("stages") or {} if isinstance(document, Mapping) else {}
    lists = [stage.get("plots") for stage in stages.values() if isinstance(stage, Mapping) and not stage.get("wdir")]
    return {path: found for listed in (*lists, document.get("plots")) for path, found in _rows(listed or ())}


def _rows(listed: Any) -> Iterator[tuple[str, _PlotColumns]]:
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, str):
            yield each, _PlotColumns()
        for path, options in each.items() if isinstance(each, Mapping) else ():
            if isinstance(options, Mapping):
                x, y, title = (options.get(key) for key in ("x", "y", "title"))
                yield str(path), _PlotColumns(*(value if isinstance(value, str) else "" for value in (x, y, title)))


def _plot(path: str, named: _PlotColumns, old: DataTable | None, new: DataTable | None, base: str) -> Plot | None:
    sides = [(name, table) for name, table in ((base, old), ("now", new)) if table is not None]
    columns = [name for name, column in sides[-1][1].columns.items() if column.numbers is not None] if sides else []
    y = named.y or next((name for name in columns if name != named.x and name.lower() not in _COUNTERS), "")
    x = named.x or next((name for name in columns if name.lower() in _COUNTERS), "")
    curves = [(name, curve) for name, table in sides if (curve := _curve(table, x, y)) is not None]
    if not curves:
        return None
    first, last = min(float(xs[0]) for _, (xs, _) in curves), max(float(xs[-1]) for _, (xs, _) in curves)
    if not last > first:
        return None
    lines = tuple(Line(name, _read_off(curve, first, last)) for name, curve in curves)
    return Plot(named.title or path, lines, x, y, first, last)


def _curve(table: DataTable, x: str, y: str) -> tuple[Array, Array] | None:
    """Places, in order, and values; None where a column is missing, has gaps or is too short."""
    import numpy as np

    ys = table.columns[y].numbers if y in table.columns else None
    xs = table.columns[x].numbers if x in table.columns else None
    if ys is None or len(ys) < 2 or table.columns[y].missing:
        return None
    if x and (xs is None or len(xs) != len(ys)):
        return None
    places = np.arange(1.0, len(ys) + 1) if xs is None else xs
    order = np.argsort(places, kind="stable")
    return places[order], ys[order]


def _read_off(curve: tuple[Array, Array], first: float, last: float) -> tuple[float, ...]:
    """The values at even places; where a side has fewer, all of them."""
    import numpy as np

    places = np.linspace(first, last, _PLACES)
    return tuple(float(value) for value in np.interp(places, *curve, left=np.nan, right=np.nan))
