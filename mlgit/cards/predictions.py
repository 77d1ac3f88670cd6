"""The table of predictions, one row per test example, read from its bytes."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlgit.config import Model
from mlgit.errors import MlgitError
from mlgit.render.text import suffix
from mlgit.schema import near_miss

_WIDEST_FIELD = 1 << 27
_MOST_COLUMNS = 100_000  # each costs far more than its bytes


@dataclass(frozen=True, slots=True)
class Predictions:
    """Columns of equal length: truth and prediction as texts, the score as numbers (empty without), slices by name."""

    label: tuple[str, ...]
    prediction: tuple[str, ...]
    score: tuple[float, ...] = ()
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def numbers(self) -> tuple[list[float], list[float]] | None:
        """Truth and prediction as numbers; None where one of them is none."""
        try:
            return list(map(float, self.label)), list(map(float, self.prediction))
        except ValueError:
            return None


def parse(content: bytes, *, path: str, model: Model) -> Predictions | None:
    """The columns that mlgit.yaml names for a model; None for a format that is not read here (.csv, .tsv and .jsonl are).

    Raises MlgitError for a file that is not what its name says, lacks a column, or holds a score that is no number.
    """
    ending = suffix(path)
    if ending not in ("csv", "tsv", "jsonl", "ndjson"):
        return None
    try:
        text = content.decode("utf-8-sig")
        rows = _lines(text) if ending.endswith(("jsonl", "ndjson")) else _separated(text, "," if ending == "csv" else "\t")
    except (ValueError, csv.Error, RecursionError) as error:
        raise MlgitError(f"{path}: not a table of predictions: {error}") from error
    columns = _shared(rows)
    for key, name in (("label", model.label), ("prediction", model.prediction), *(("slices", name) for name in model.slices)):
        if rows and name not in columns:
            raise MlgitError(
                f"{path}: no column '{name}'" + near_miss(name, columns),
                f"its columns: {', '.join(columns)}; mlgit.yaml: models.{model.name}.{key} names the one to use",
            )
    return Predictions(
        tuple(row[model.label] for row in rows),
        tuple(row[model.prediction] for row in rows),
        tuple(_number(row[model.score], path=path) for row in rows) if model.score in columns else (),
        {name: tuple(row[name] for row in rows) for name in model.slices},
    )


def _row(header: list[str], values: list[str], number: int) -> dict[str, str]:
    if len(values) != len(header):
        raise ValueError(f"row {number} has {len(values)} values for {len(header)} columns")
    return dict(zip(header, values, strict=True))


def _shared(rows: list[dict[str, str]]) -> list[str]:
    """The columns that every row has, in the order of the first."""
    found = list(rows[0]) if rows else []
    return [name for name in found if all(name in row for row in rows)]


def _separated(text: str, separator: str) -> list[dict[str, str]]:
    before = csv.field_size_limit(_WIDEST_FIELD)
    try:
        rows = (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row)
        header = next(rows, [])
        if len(header) > _MOST_COLUMNS:
            raise ValueError(f"more than {_MOST_COLUMNS} columns")
        return [_row(header, row, number) for number, row in enumerate(rows, 1)]
    finally:
        csv.field_size_limit(before)


def _lines(text: str) -> list[dict[str, str]]:
    rows = [json.loads(row) for row in text.splitlines() if row.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is no JSON object")
    return [{key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items()} for row in rows]


def _number(text: str, *, path: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise MlgitError(f"{path}: '{text}' is not a score", "a score is a number in every row") from error
    if not math.isfinite(value):
        raise MlgitError(f"{path}: '{text}' is not a score", "a score is a number in every row")
    return value
