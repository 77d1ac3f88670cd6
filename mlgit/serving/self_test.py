"""Rows whose answers are recorded, and whether a model in memory gives the same: the proof that it is the model that was judged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.errors import MlgitError

SCHEMA = 1
# A float that was computed has as many digits, or more: it was written as it is.
_ALL_DIGITS = 15


@dataclass(frozen=True, slots=True)
class RecordedRows:
    """Rows by column, with what was predicted of them: `predictions` and `scores` are None where none were recorded."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    ids: tuple[Any, ...] = ()
    predictions: tuple[Any, ...] | None = None
    scores: tuple[Any, ...] | None = None

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
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}, expected {SCHEMA}")
        columns, rows = tuple(map(str, document["columns"])), tuple(map(tuple, document["rows"]))
        if any(len(each) != len(columns) for each in rows):
            raise ValueError("a row of another length")
        answers = {key: tuple(found) if (found := document.get(key)) is not None else None for key in ("prediction", "score")}
        if any(each is not None and len(each) != len(rows) for each in answers.values()):
            raise ValueError("not an answer for each row")
        return RecordedRows(columns, rows, tuple(document.get("ids") or ()), answers["prediction"], answers["score"])
    except (TypeError, KeyError, ValueError) as error:
        raise MlgitError(f"{where}: no rows with recorded answers: {error}", "make the release anew") from error


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
        written = _Written.of(wanted)
        for row, (was, now) in enumerate(zip(wanted, found, strict=True)):
            if not is_same(was, now, rtol=0.0 if exact else rtol, slack=0.0 if exact else written.slack(was)):
                return f"{recorded.name(row)}: {told} {now!r}, recorded {was!r}"
    return ""


def is_same(was: Any, now: Any, *, rtol: float, slack: float = 0.0) -> bool:
    """Whether an answer is what was recorded, in a file of text perhaps: numbers by their value, labels by their text."""
    if was == now or str(was) == str(now):
        return True
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


@dataclass(frozen=True, slots=True)
class _Written:
    """To how many digits numbers were written: behind the point, and in all; those that are seen in some of ten of them."""

    behind: int = _ALL_DIGITS
    digits: int = _ALL_DIGITS

    @classmethod
    def of(cls, values: Sequence[Any]) -> _Written:
        written = [repr(each) if isinstance(each, float) else str(each).strip() for each in values if each is not None]
        if any(_number(each) is None for each in written) or all("." not in each for each in written):
            return cls()
        behind = max(_behind(each) for each in written)
        digits = max(len(each.lower().partition("e")[0].replace(".", "").lstrip("+-0")) for each in written)
        return cls(behind, digits)

    def slack(self, value: Any) -> float:
        """Half of the last digit that was written."""
        number = _number(value)
        if number is None or not math.isfinite(number) or not number or self.digits >= _ALL_DIGITS:
            return 0.5 * 10.0**-self.behind if self.digits < _ALL_DIGITS else 0.0
        by_digits = 0.5 * 10.0 ** (math.floor(math.log10(abs(number))) - self.digits + 1)
        return max(0.5 * 10.0**-self.behind, by_digits) * (1 + 1e-6)


def _behind(written: str) -> int:
    """How many digits stand behind the point, were it written without an exponent."""
    digits, _, exponent = written.lower().partition("e")
    return len(digits.partition(".")[2]) - int(exponent or 0)


def document(recorded: RecordedRows) -> Mapping[str, Any]:
    """The rows as JSON."""
    return {
        "schema": SCHEMA,
        "columns": list(recorded.columns),
        "rows": [list(each) for each in recorded.rows],
        "ids": list(recorded.ids),
        "prediction": None if recorded.predictions is None else list(recorded.predictions),
        "score": None if recorded.scores is None else list(recorded.scores),
    }
