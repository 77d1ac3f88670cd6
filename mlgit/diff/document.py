"""A diff as a JSON document, schema 1."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlgit.diff.cause import Cause, causes
from mlgit.diff.diff import DataChange, Diff, Difference, MetricChange, ParameterChange, StageChange
from mlgit.revision.snapshot import Data, Snapshot

if TYPE_CHECKING:
    from mlgit.evaluation.results import TestedRows
    from mlgit.tables.drift import TableDrift


def document(diff: Diff, *, everything: bool = False) -> dict[str, Any]:
    """The diff as values that JSON has; `everything` holds what is the same too.

    Numbers that JSON lacks are the texts NaN, Infinity and -Infinity.
    """
    return {
        "schema": 1,
        "base": _side(diff.base),
        "head": _side(diff.head),
        "changed": not diff.is_empty,
        "compared": diff.compared,
        "metrics": [_metric(row) for row in diff.metrics if everything or row.verdict != "same"],
        "causes": {file: [_cause(each) for each in found] for file, found in causes(diff).items()},
        "parameters": [_parameter(row) for row in diff.parameters if everything or row.change != "same"],
        "data": [_data(row) for row in diff.data if everything or row.change != "same"],
        "comparisons": [{key: _finite(value) for key, value in asdict(row).items()} for row in diff.measured],
        "rows": [_rows(row, diff) for row in diff.tested],
        "leakage": [asdict(row) for row in diff.leakage],
        "tables": [_table(row) for row in diff.tables],
        "contracts": [each.document("consumer") for each in diff.contracts if everything or each.is_changed],
        "stages": [_stage(row) for row in diff.stages if everything or row.change != "same"],
    }


def _side(side: Snapshot) -> dict[str, Any]:
    return {
        "name": side.name,
        "commit": side.commit or None,
        "stale": list(side.stale),
        "notes": [{"message": note.message, "hint": note.hint} for note in side.notes],
    }


def _metric(row: MetricChange) -> dict[str, Any]:
    return {
        "file": row.file,
        "name": row.name,
        "base": _finite(row.base),
        "head": _finite(row.head),
        "delta": _finite(row.delta),
        "direction": row.direction,
        "verdict": row.verdict,
    }


def _cause(each: Cause) -> dict[str, Any]:
    values = {"old": _finite(each.old), "new": _finite(each.new)} if each.kind in ("parameter", "command") else {}
    return {"kind": each.kind, "stage": each.stage, "name": each.name, "change": each.change, **values}


def _parameter(row: ParameterChange) -> dict[str, Any]:
    return {"file": row.file, "key": row.key, "change": row.change, "old": _finite(row.old), "new": _finite(row.new)}


def _data(row: DataChange) -> dict[str, Any]:
    return {
        "path": row.path,
        "kind": row.kind,
        "change": row.change,
        "old": _content(row.old),
        "new": _content(row.new),
        "columns_added": list(row.columns_added),
        "columns_removed": list(row.columns_removed),
        "files": row.files,
    }


def _rows(row: TestedRows, diff: Diff) -> dict[str, Any]:
    """The rows a model was judged on, and those that its predictions turned (null where that says nothing)."""
    turned = next((each for each in diff.rows if each.model == row.model), None)
    counted = ("fixed", "broken", "fixed_keys", "broken_keys")
    return asdict(row) | {key: _finite(getattr(turned, key, None)) for key in counted}


def _table(row: TableDrift) -> dict[str, Any]:
    return {
        "path": row.path,
        "rows_before": row.rows_before,
        "rows_now": row.rows_now,
        "columns_added": list(row.added),
        "columns_removed": list(row.removed),
        "columns_retyped": list(row.retyped),
        "moved": [{"column": name, "index": _finite(index)} for name, index in row.moved],
        "reason": row.reason,
    }


def _content(data: Data | None) -> dict[str, Any] | None:
    if data is None:
        return None
    digest, shape = data.digest, data.shape
    nfiles = digest.nfiles if digest else None
    return {
        "md5": digest.md5 if digest else None,
        "size": digest.size if digest else None,
        "nfiles": None if nfiles is None or nfiles < 0 else nfiles,
        "rows": shape.rows if shape else None,
        "columns": list(shape.columns) if shape else None,
    }


def _stage(row: StageChange) -> dict[str, Any]:
    return {"name": row.address, "change": row.change, "differences": [_difference(each) for each in row.differences]}


def _difference(each: Difference) -> dict[str, Any]:
    texts = {"old": each.old, "new": each.new} if each.kind == "command" else {}
    return {"kind": each.kind, "change": each.change, "name": each.name, **texts}


def _finite(value: Any) -> Any:
    match value:
        case float() if math.isnan(value):
            return "NaN"
        case float() if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case _:
            return value
