"""A sketch as canonical JSON: the same bytes for the same data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.monitoring import vectors
from mlgit.monitoring.cells import MEASURES
from mlgit.monitoring.sketch import SCHEMA, Batches, Calibration, Cells, ColumnCounts, Sketch

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# No sketch of a real table is larger; more is not read into memory.
LARGEST_BYTES = 256 << 20
_MOST_CELLS = 50_000_000
# Far beyond what any data have: sums over batches stay exact.
_MOST_ROWS, _MOST_HASHED = 2**40, 1 << 16
_LARGEST_SUM = 1e260


def text(sketch: Sketch) -> str:
    """The sketch as JSON, with a line for each column."""
    columns = [_line({**_cells(cells), **_counts(counts)}) for cells, counts in sketch.columns]
    head = {
        "schema": SCHEMA,
        "model": sketch.model,
        "data": dict(sketch.data),
        "contract": sketch.contract or None,
        "batches": {key: list(each) if isinstance(each, tuple) else each for key, each in asdict(sketch.batches).items()},
        "metrics": dict(sketch.metrics),
        "calibration": _calibration(sketch.calibration),
        "notes": list(sketch.notes),
    }
    lines = [f'  "{key}": {_line(value)}' for key, value in head.items()]
    inner = ",\n".join(f"    {each}" for each in columns)
    return "{\n" + ",\n".join(lines) + ',\n  "columns": [\n' + inner + "\n  ]\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def _calibration(found: Calibration | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {key: list(each) if isinstance(each, tuple) else each for key, each in asdict(found).items()}


def _cells(cells: Cells) -> dict[str, Any]:
    """Only what differs from what a column is by default."""
    plain = asdict(Cells("", "number"))
    given = {key: list(each) if isinstance(each, tuple) else each for key, each in asdict(cells).items()}
    return {key: each for key, each in given.items() if key in ("name", "kind") or each not in (plain[key], [])}


def _counts(counts: ColumnCounts) -> dict[str, Any]:
    found = {"counts": counts.counts.tolist(), "missing": counts.missing.tolist()}
    return found | {
        key: _rounded(each) for key, each in (("sums", counts.sums), ("squares", counts.squares)) if each is not None
    }


def _rounded(values: Array) -> list[Any]:
    """To twelve digits: additions in another order differ in the last ones."""
    if values.ndim == 1:
        return [float(f"{each:.11e}") for each in values.tolist()]
    return [_rounded(each) for each in values]


def parse(content: bytes | str, *, where: str) -> Sketch:
    """The sketch in a file. Raises MlgitError for what is none, or of a later mlgit."""
    document = _document(content, where=where)
    try:
        batches, calibration = document["batches"], document["calibration"]
        found = Sketch(
            str(document["model"]),
            Batches(str(batches["kind"]), str(batches["by"]), _texts(batches["names"]), _whole(batches["sizes"])),  # type: ignore[arg-type]
            [_column(each, len(batches["names"])) for each in document["columns"]],
            {str(key): str(value) for key, value in document["data"].items()},
            str(document["contract"] or ""),
            {str(key): float(value) for key, value in document["metrics"].items()},
            _parsed_calibration(calibration) if calibration else None,
            _texts(document["notes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _broken(where, str(error)) from error
    if found.batches.kind not in ("column", "versions", "rows"):
        raise _broken(where, f"batches of the kind '{found.batches.kind}'")
    if len(found.batches.sizes) != len(found.batches.names) or min(found.batches.sizes, default=0) < 0:
        raise _broken(where, "the sizes of batches are not those of their names")
    labels = [cells.label for cells, _ in found.columns]
    if len({*labels}) < len(labels):
        raise _broken(where, "a column comes twice")
    return found


def _document(content: bytes | str, *, where: str) -> Any:
    try:
        document = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _broken(where, str(error)) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise MlgitError(
            f"{where}: not a sketch of schema {SCHEMA}", "`mlgit monitor sketch` writes one; a newer one needs a newer mlgit"
        )
    return document


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _broken(where: str, why: str) -> MlgitError:
    return MlgitError(f"{where}: not a sketch: {why[:200]}", "`mlgit monitor sketch` writes it anew")


def _parsed_calibration(given: Mapping[str, Any]) -> Calibration:
    x, y, weights = (tuple(map(float, given.get(key, ()))) for key in ("x", "y", "weights"))
    moments = tuple((float(square), float(fourth)) for square, fourth in given.get("moments", ()))
    if given["kind"] not in ("isotonic", "residual") or len(x) != len(y) or {len(weights), len(moments)} - {0, len(x)}:
        raise ValueError("a calibration whose steps do not belong together")
    return Calibration(given["kind"], x, y, int(given["n"]), weights, moments)


def _column(given: Mapping[str, Any], n_batches: int) -> tuple[Cells, ColumnCounts]:
    cells = Cells(
        str(given["name"]),
        given["kind"],
        tuple(map(float, given.get("edges", ()))),
        _texts(given.get("levels", ())),
        int(given.get("n_hashed", 0)),
        given.get("is_classified", False) is True,
        str(given.get("derived", "")),
        str(given.get("whitening", "")),
        int(given.get("n_components", 0)),
        float(given.get("center", 0.0)),
    )
    if cells.kind not in ("number", "category", "text", "vector"):
        raise ValueError(f"a column of the kind '{cells.kind}'")
    if list(cells.edges) != sorted(set(cells.edges)) or not np.isfinite((*cells.edges, cells.center)).all():
        raise ValueError(f"the edges of '{cells.name}' do not grow")
    if (cells.derived not in MEASURES) if cells.kind == "text" else cells.derived:
        raise ValueError(f"'{cells.name}' cannot be measured as '{cells.derived}'")
    if not 0 <= cells.n_hashed <= _MOST_HASHED or (cells.n_hashed and cells.kind != "category"):
        raise ValueError(f"'{cells.name}' has {cells.n_hashed} hashed cells")
    return cells, _column_counts(given, cells, n_batches=n_batches)


def _column_counts(given: Mapping[str, Any], cells: Cells, *, n_batches: int) -> ColumnCounts:
    """Counts of a column in a parsed document. Raises ValueError where they are not those of its cells."""
    counts = np.array(given["counts"], dtype=np.int64).reshape(n_batches, -1)
    missing = np.array(given["missing"], dtype=np.int64)
    if counts.shape != (n_batches, cells.n_cells) or missing.shape != (n_batches,) or counts.size > _MOST_CELLS:
        raise ValueError(f"'{cells.name}' has {counts.shape[1]} cells in {n_batches} batches, not {cells.n_cells}")
    if (
        min(counts.min(initial=0), missing.min(initial=0)) < 0
        or max(counts.max(initial=0), missing.max(initial=0)) > _MOST_ROWS
    ):
        raise ValueError(f"'{cells.name}' has counts that no rows give")
    shape = (n_batches, vectors.n_directions(cells)) if cells.kind == "vector" else (n_batches,)
    moments = [np.array(given[key], dtype=float).reshape(shape) if key in given else None for key in ("sums", "squares")]
    if any(each is not None and not (np.abs(each) < _LARGEST_SUM).all() for each in moments):
        raise ValueError(f"the sums of '{cells.name}' are no numbers")
    if cells.kind == "vector" and moments[0] is None:
        raise ValueError(f"'{cells.name}' has no sums")
    return ColumnCounts(counts, missing, *moments)


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in given)


def _whole(given: Any) -> tuple[int, ...]:
    return tuple(int(each) for each in given)
