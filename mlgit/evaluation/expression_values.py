"""What expressions are worth on rows: by numpy, with an interval.

A value that is missing (an empty cell, NaN, infinity, a division by 0, the logarithm of what is not above 0) makes what is
computed from it missing, as in SQL: `a + b` where one is missing, `a == 1` of a missing a. But `&` with something false is
false, and `|` with something true is true. Aggregates leave such rows out, and how many they are is told: `mean` and `share`
are of the rows that have a value, `count(x)` counts those where x is true, `count()` counts all. Without any row that has a
value there is no sum and no mean. Truth values count as 0 and 1, and numbers that are all 0 or 1 count as truth where that is
asked for; texts are compared with texts only.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError, near_miss
from mlgit.evaluation.expressions import Expression, ExpressionPart
from mlgit.statistics import quantiles
from mlgit.statistics.rows import is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# What numpy takes and its types do not.
_NONE: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class AggregateRows:
    """What each row adds to one aggregate, NaN where it is missing, shape (n,); and what it counts, None where all count 1."""

    part: ExpressionPart
    values: Array
    weights: Array | None = None

    @property
    def known(self) -> Array:
        """Which rows have a value."""
        return ~np.isnan(self.values)


class _Rows(NamedTuple):
    """A value for each row (or one for all): numbers and truth as floats, NaN where missing; texts as objects, None there."""

    kind: Literal["number", "truth", "text"]
    values: Any


def rows_of(
    expression: Expression, table: Mapping[str, Any], *, rows: int, where: str = "", weights: Array | None = None
) -> tuple[AggregateRows, ...]:
    """What each row adds to the aggregates of an expression, from the columns of a table; a row of weight 2 is like two rows.

    Raises MlgitError for a column that is not there, and where texts and numbers are mixed, naming the place.
    """
    reader = _Evaluated(expression, table, where)
    with np.errstate(all="ignore"):
        return tuple(AggregateRows(each, reader.aggregated(each, rows), weights) for each in expression.aggregates)


def missing_rows(parts: Sequence[AggregateRows]) -> int:
    """In how many rows some aggregate has no value."""
    known = [each.known for each in parts if each.part.parts]
    return int((~np.logical_and.reduce(known)).sum()) if known else 0


def value(expression: Expression, parts: Sequence[AggregateRows]) -> float:
    """The expression of these rows; NaN where it has no value."""
    with np.errstate(all="ignore"):
        found = float(outer(expression.root, [np.asarray(value_of(each)) for each in parts]))
    return found if math.isfinite(found) else math.nan


def value_of(given: AggregateRows) -> float:
    """One aggregate of its rows; NaN where none has a value."""
    part, known, quantile = given.part, given.values[given.known], given.part.quantile
    weights = np.ones(len(given.values)) if given.weights is None else given.weights
    counted = weights[given.known]
    if part.does == "count":
        return float(weights.sum() if not part.parts else counted @ known)
    if not len(known):
        return math.nan
    if quantile is not None:
        return quantiles.of(known, quantile, None if given.weights is None else counted)
    if given.weights is None:
        return float(known.sum() if part.does == "sum" else known.mean())
    return float(counted @ known if part.does == "sum" else counted @ known / counted.sum())


def outer(part: ExpressionPart, aggregates: Sequence[Any]) -> Any:
    """Arithmetic of aggregates, each an array of one shape: the values of all draws at once."""
    if part.does in _BINARY and len(part.parts) == 2:
        return _finite(_BINARY[part.does](*(outer(each, aggregates) for each in part.parts)))
    if part.does in _UNARY:
        return _finite(_UNARY[part.does](outer(part.parts[0], aggregates)))
    if part.does in ("min", "max"):
        return _extreme(part.does)([outer(each, aggregates) for each in part.parts])
    return np.asarray(part.value) if part.does == "number" else aggregates[int(part.value)]


def _finite(values: Any) -> Any:
    return np.where(np.isfinite(values), values, np.nan)


def _extreme(does: str) -> Callable[[Sequence[Any]], Any]:
    function = np.minimum if does == "min" else np.maximum  # both give NaN where one is

    def found(values: Sequence[Any]) -> Any:
        result = values[0]
        for each in values[1:]:
            result = function(result, each)
        return result

    return found


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "%": lambda one, other: one % other,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "negative": lambda one: -one,
    "positive": lambda one: one,
    "abs": abs,
    "log": lambda one: np.log(np.where(one > 0, one, np.nan)),
}
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


class _Evaluated:
    """One expression on one table; a column is looked at once."""

    def __init__(self, expression: Expression, table: Mapping[str, Any], where: str) -> None:
        self._expression, self._table, self._where = expression, table, where
        self._columns: dict[str, _Rows] = {}

    def fault(self, what: str, hint: str) -> MlgitError:
        return MlgitError(f"{f'{self._where}: ' if self._where else ''}{what}", hint)

    def aggregated(self, part: ExpressionPart, rows: int) -> Array:
        if not part.parts:
            return np.ones(rows)
        found = self._of(part.parts[0])
        if found.kind == "text":
            raise self.fault(f"{part.does} of texts", "compare them: share(status == 'late')")
        if part.does in ("share", "count") and found.kind != "truth" and not _are_truth(found.values):
            raise self.fault(f"{part.does} of numbers", f"it is of what is true or false: {part.does}(amount > 0)")
        return np.array(np.broadcast_to(_finite(np.asarray(found.values, dtype=float)), (rows,)))

    def _of(self, part: ExpressionPart) -> _Rows:
        match part.does:
            case "column":
                return self._column(str(part.value))
            case "number":
                return _Rows("number", np.asarray(part.value))
            case "truth":
                return _Rows("truth", np.asarray(float(part.value)))
            case "text":
                return _Rows("text", np.asarray(part.value, dtype=object))
        given = [self._of(each) for each in part.parts]
        if part.does in _COMPARED:
            return self._compared(part.does, given[0], given[1])
        if part.does in ("&", "|", "~"):
            return self._logical(part.does, given)
        if part.does == "where":
            return self._chosen(*given)
        return self._arithmetic(part.does, given)

    def _arithmetic(self, does: str, given: Sequence[_Rows]) -> _Rows:
        if any(each.kind == "text" for each in given):
            raise self.fault(f"`{does}` of a text", "texts are only compared, as in (currency == 'EUR')")
        values = [each.values for each in given]
        if does in ("min", "max"):
            return _Rows("number", _extreme(does)(values))
        found = _BINARY[does](*values) if does in _BINARY else _UNARY[does](values[0])
        return _Rows("number", _finite(found))

    def _compared(self, does: str, one: _Rows, other: _Rows) -> _Rows:
        function = _COMPARED[does]
        kinds = {each.kind == "text" for each in (one, other)}
        if kinds == {True}:
            absent = _is_none(one.values) | _is_none(other.values)
            found = function(*(np.where(_is_none(each.values), "", each.values) for each in (one, other)))
        elif kinds == {False}:
            absent = np.isnan(one.values) | np.isnan(other.values)
            found = function(one.values, other.values)
        else:
            text, number = (one, other) if one.kind == "text" else (other, one)
            if not np.isnan(number.values).all() and not _is_none(text.values).all():
                raise self.fault(f"`{does}` of a text and a number", "write a text in quotes, and a number without")
            found, absent = np.asarray(False), np.asarray(True)
        return _Rows("truth", np.where(absent, np.nan, np.asarray(found, dtype=float)))

    def _logical(self, does: str, given: Sequence[_Rows]) -> _Rows:
        if any(each.kind != "truth" for each in given):
            raise self.fault(f"`{does}` of what is not true or false", "compare first, in brackets: (a == 1) & (b == 0)")
        one, other = given[0].values, given[-1].values
        if does == "~":
            return _Rows("truth", 1 - one)
        decides = 0.0 if does == "&" else 1.0
        both = one * other if does == "&" else np.minimum(one + other, 1.0)
        return _Rows("truth", np.where((one == decides) | (other == decides), decides, both))

    def _chosen(self, condition: _Rows, yes: _Rows, no: _Rows) -> _Rows:
        if condition.kind != "truth":
            raise self.fault("`where` asks for what is true or false first", "where(amount > 0, amount, 0)")
        if (yes.kind == "text") != (no.kind == "text"):
            raise self.fault("`where` gives a text or a number", "let both sides be texts, or both numbers")
        absent = _NONE if yes.kind == "text" else np.nan
        found = np.where(condition.values == 1, yes.values, no.values)
        kind = yes.kind if yes.kind == no.kind else "number"
        return _Rows(kind, np.where(np.isnan(condition.values), absent, found))

    def _column(self, name: str) -> _Rows:
        if name not in self._columns:
            if name not in self._table:
                raise self.fault(
                    f"there is no column '{name}'{near_miss(name, self._table)}",
                    f"there are {', '.join(list(self._table)[:20]) or 'none'}",
                )
            found = of_column(self._table[name])
            if found is None:
                raise self.fault(f"column '{name}' holds neither numbers nor texts alone", "let it hold one of them")
            self._columns[name] = _Rows(*found)
        return self._columns[name]


def _are_truth(values: Any) -> bool:
    """Whether numbers are 0 and 1 only, as many files write false and true."""
    return bool(((values == 0) | (values == 1) | np.isnan(values)).all())


def _is_none(values: Any) -> Any:
    return np.equal(values, _NONE)


def of_column(values: Any) -> tuple[Literal["number", "truth", "text"], Array] | None:
    """A column as floats (NaN where missing) or as texts (None where missing), and which; None for one that mixes kinds."""
    given = np.asarray(values)
    if given.ndim != 1:
        return None
    if given.dtype.kind == "b":
        return "truth", given.astype(float)
    if given.dtype.kind in "iuf":
        return "number", _finite(given.astype(float))
    if given.dtype.kind == "M":
        return "text", np.where(np.isnat(given), _NONE, np.datetime_as_string(given).astype(object))
    listed = given.tolist()
    absent = is_missing(given)
    known = [each for each, is_absent in zip(listed, absent.tolist(), strict=True) if not is_absent]
    kinds = {type(each) for each in known}
    if kinds <= {str} and known:
        return "text", np.where(absent, _NONE, given.astype(object))
    if kinds <= {datetime.datetime, datetime.date, datetime.time} and known:
        return "text", _filled([each.isoformat() for each in known], absent, dtype=object, empty=None)
    if not all(isinstance(each, int | float | Decimal | np.number | np.bool_) for each in known):
        return None
    try:
        numbers = np.array([float(each) for each in known], dtype=float)
    except (OverflowError, ValueError):
        return None
    are_truth = bool(known) and kinds <= {bool, np.bool_}
    return "truth" if are_truth else "number", _finite(_filled(numbers, absent, dtype=float, empty=np.nan))


def _filled(known: Any, absent: Array, *, dtype: Any, empty: Any) -> Array:
    found = np.full(len(absent), empty, dtype=dtype)
    found[~absent] = known
    return found
