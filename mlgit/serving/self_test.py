"""Rows whose answers are recorded, and whether a model in memory gives the same: proof that it is the one that was judged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlgit.errors import MlgitError

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class RecordedRows:
    """Rows by column, with what was predicted of them: `predictions` and `scores` are None where none were recorded.

    `precision` says by how much each prediction and score may differ, for it was written with so many decimals.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    ids: tuple[Any, ...] = ()
    predictions: tuple[Any, ...] | None = None
    scores: tuple[Any, ...] | None = None
    precision: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def only(self, names: Sequence[str]) -> list[tuple[Any, ...]] | None:
        """The values of these columns; None where one of them is not recorded."""
        if not set(names) <= set(self.columns):
            return None
        places = [self.columns.index(name) for name in names]
        return [tuple(row[place] for place in places) for row in self.rows]

    def name(self, row: int) -> str:
        """What a row is called in a message."""
        return f"row '{self.ids[row]}'" if row < len(self.ids) else f"row {row}"


def read(document: Any, *, where: str) -> RecordedRows:
    """The rows of a parsed self-test.json. Raises MlgitError for one that is none."""
    try:
        found = _read(document)
    except (TypeError, KeyError, ValueError):
        found = None
    if found is None:
        raise MlgitError(f"{where}: no rows with recorded answers of schema {SCHEMA}", "make the release anew")
    return found


def _read(document: Any) -> RecordedRows | None:
    columns, rows = tuple(map(str, document["columns"])), tuple(map(tuple, document["rows"]))
    answers = {key: tuple(found) if (found := document.get(key)) is not None else None for key in ("prediction", "score")}
    is_whole = all(len(each) == len(columns) for each in rows) and all(
        each is None or len(each) == len(rows) for each in answers.values()
    )
    if document["schema"] != SCHEMA or not is_whole:
        return None
    precision = {key: found for key, found in (document.get("precision") or {}).items() if found is not None}
    if any(
        len(each) != len(rows) or not all(isinstance(number, (int, float)) for number in each) for each in precision.values()
    ):
        return None
    return RecordedRows(columns, rows, tuple(document.get("ids") or ()), answers["prediction"], answers["score"], precision)


def difference(
    recorded: RecordedRows,
    *,
    predictions: Sequence[Any],
    scores: Sequence[Any] | None,
    rtol: float = 1e-9,
    is_exact: bool = False,
) -> str:
    """What the first row is that is answered otherwise than recorded, with both values; '' where all are the same.

    `is_exact`: predictions are labels, of which none is nearly another.
    """
    asked = (
        ("prediction", recorded.predictions, predictions, is_exact),
        ("score", recorded.scores, scores, False),
    )
    for told, wanted, found, exact in asked:
        if wanted is None or found is None:
            continue
        written = recorded.precision.get(told) or (0.0,) * len(wanted)
        for row, (was, now) in enumerate(zip(wanted, found, strict=True)):
            if not is_same(was, now, rtol=0.0 if exact else rtol, slack=0.0 if exact else written[row]):
                return f"{recorded.name(row)}: {told} {now!r}, recorded {was!r}"
    return ""


def is_same(was: Any, now: Any, *, rtol: float, slack: float = 0.0) -> bool:
    """Whether an answer is what was recorded, in a file of text perhaps: numbers by their value, labels by their text."""
    if was == now or str(was) == str(now):
        return True
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(map(lambda one, other: is_same(one, other, rtol=rtol, slack=slack), was, now))
    if isinstance(was, bool) or isinstance(now, bool):
        return str(was).lower() == str(now).lower() or _number(was) == _number(now) is not None
    one, other = _number(was), _number(now)
    if one is None or other is None:
        return False
    return math.isclose(one, other, rel_tol=rtol, abs_tol=slack) or (math.isnan(one) and math.isnan(other))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
