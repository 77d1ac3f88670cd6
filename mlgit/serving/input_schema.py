"""What a model takes, as JSON Schema (2020-12): a value of each column, a row, and an example."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from mlgit.serving.inputs import InputColumn, Inputs

# What a contract calls a type, as JSON has it; dates are text. What has no type may be any value of a cell.
_TYPES = {
    "integer": ["integer"],
    "number": ["number"],
    "boolean": ["boolean"],
    "string": ["string"],
    "date": ["string"],
    "timestamp": ["string"],
    "time": ["string"],
}
_ANY = ["number", "string", "boolean"]
_EXAMPLES: Mapping[str, Any] = {
    "integer": 1,
    "boolean": True,
    "string": "text",
    "date": "2026-01-31",
    "timestamp": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
}


def of_columns(inputs: Inputs) -> dict[str, dict[str, Any]]:
    """The schema of a value of each column by name, with its rules in words and, of numbers, the ends of their range."""
    ends = _ends(inputs)
    conditions: dict[int, list[str]] = {}
    for check in inputs.checks:
        conditions.setdefault(check.place, []).append(check.condition)
    return {
        column.name: _value(column, ends=ends.get(place), conditions=conditions.get(place, []))
        for place, column in enumerate(inputs.columns)
    }


def row(inputs: Inputs) -> dict[str, Any]:
    """The schema of a row as a list, its values in the model's order."""
    columns = list(of_columns(inputs).values())
    if not columns:
        length = {"minItems": inputs.width, "maxItems": inputs.width} if inputs.width else {"minItems": 1}
        return {"type": "array", "items": {"type": ["number", "null"]}, **length}
    length = {"minItems": len(columns), "maxItems": len(columns)}
    if all(each == columns[0] for each in columns):
        return {"type": "array", "items": columns[0], **length}
    return {"type": "array", "prefixItems": columns, "items": False, **length}


def record(inputs: Inputs) -> dict[str, Any]:
    """The schema of a row as an object; columns that the model does not know are not looked at."""
    required = [each.name for each in inputs.columns if not each.may_be_absent]
    return {"type": "object", "properties": of_columns(inputs)} | ({"required": required} if required else {})


def example(inputs: Inputs) -> dict[str, Any]:
    """A value for each column, made from its type and ends: no row of anybody's."""
    ends = _ends(inputs)
    return {column.name: _example(column, ends.get(place)) for place, column in enumerate(inputs.columns)}


def _ends(inputs: Inputs) -> dict[int, tuple[float, float]]:
    """Between which numbers the values of a column lie, as far as numbers are all that it takes."""
    block = inputs.numbers
    if block is None:
        return {}
    pairs = zip(block.low.tolist(), block.high.tolist(), strict=True)
    return dict(zip(block.places, pairs, strict=True))


def _value(column: InputColumn, *, ends: tuple[float, float] | None, conditions: list[str]) -> dict[str, Any]:
    types = _TYPES.get(column.type, _ANY if column.type or ends is None else ["number"])
    schema: dict[str, Any] = {"type": types[0] if column.is_required and len(types) == 1 else [*types, "null"]}
    if column.is_required and len(types) > 1:
        schema["type"] = types
    for name, end in zip(("minimum", "maximum"), ends or (), strict=False):
        if _is_end(end):
            schema[name] = int(end) if end.is_integer() else end
    if conditions:
        schema["description"] = "; ".join(dict.fromkeys(conditions))
    return schema


def _example(column: InputColumn, ends: tuple[float, float] | None) -> Any:
    if ends is None or column.type not in ("", "integer", "number"):
        return _EXAMPLES.get(column.type, 1.5)
    low, high = ends
    if not _is_end(low):
        value = min(high, 1.5)
    elif not _is_end(high):
        value = max(low, 1.5)
    else:
        value = low + (high - low) / 2
    whole = float(round(value))
    if column.type == "integer" or (low <= whole <= high and value > 100):
        return round(value)
    return shorter if low <= (shorter := float(f"{value:.4g}")) <= high else value


def _is_end(end: float) -> bool:
    return abs(end) < sys.float_info.max
