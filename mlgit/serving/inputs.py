"""What a model takes: columns in its order, and what its contract asks of their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving.rows import RefusedRequestError, Rows, Violation

# Those whose values an array of floats holds as they are.
_NUMBERS = {float, int}
_NUMBERS_OR_MISSING = {float, int, type(None)}
# Orders of columns that are kept: strangers may send any number of them.
_MOST_ORDERS = 16
_Order = tuple[tuple[int, ...], Callable[[Sequence[Any]], Sequence[Any]]]
_MISMATCH = "INVALID_PARAMETER_VALUE"


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column that a model takes: its name, the contract's logical type ('' where none is declared), and whether a value
    may be missing; `is_private`: its values are in no message, and are hashed in the log.

    `may_be_absent`: a request need not have it, and its values are missing then.
    """

    name: str
    type: str = ""
    is_required: bool = False
    is_private: bool = False
    may_be_absent: bool = False


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """A rule for one column: the column's place, the rule's id, its condition in words, and which of the column's values
    break it, by their places."""

    place: int
    rule: str
    condition: str
    broken: Callable[[Sequence[Any]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """The columns of which all checks hold when they are numbers between `low` and `high`, both included.

    `is_whole` and `is_required` are masks, None where no column needs them.
    """

    places: tuple[int, ...]
    low: np.ndarray
    high: np.ndarray
    is_whole: np.ndarray | None = None
    is_required: np.ndarray | None = None

    def holds(self, values: Sequence[Any], width: int) -> bool:
        """Whether it is certain that all values keep all rules; they lie row behind row, `width` columns a row."""
        kinds = set(map(type, values))
        is_complete = kinds <= _NUMBERS
        if not is_complete and not kinds <= _NUMBERS_OR_MISSING:
            return False
        try:
            found = np.array(values, dtype=np.float64)
        except OverflowError:
            return False
        return self.holds_of(found.reshape(-1, width) if len(found) > width else found, is_complete=is_complete)

    def holds_of(self, found: np.ndarray, *, is_complete: bool) -> bool:
        """The same of an array of floats, of one row or of rows, in which NaN is what is missing."""
        if is_complete:
            inside = (found >= self.low) & (found <= self.high)
        else:
            missing = np.isnan(found)
            if self.is_required is not None and (missing & self.is_required).any():
                return False
            inside = ((found >= self.low) & (found <= self.high)) | missing
        if not inside.all():
            return False
        if self.is_whole is None:
            return True
        whole = found == np.floor(found)
        return bool((whole | ~self.is_whole if is_complete else whole | missing | ~self.is_whole).all())


@dataclass(frozen=True, slots=True)
class Inputs:
    """The columns of a model in its order; empty where neither model nor contract names any, then `width` says how many
    values a row has, 0 for any number.

    `checks` are what is asked of their values. `numbers` answers for most of them at once: what it does not find to hold, and
    columns that it does not have, are looked at by their own checks.
    """

    columns: tuple[InputColumn, ...] = ()
    checks: tuple[ValueCheck, ...] = ()
    numbers: NumberBlock | None = None
    width: int = 0
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _others: tuple[ValueCheck, ...] = field(init=False, repr=False, compare=False)
    _orders: dict[tuple[str, ...], _Order] = field(init=False, repr=False, compare=False, default_factory=dict)
    _of_block: Callable[[Sequence[Any]], Sequence[Any]] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = self.numbers.places if self.numbers else ()
        known = set(places)
        is_all = places == tuple(range(len(self.columns) or self.width))
        object.__setattr__(self, "names", tuple(each.name for each in self.columns))
        object.__setattr__(self, "_others", tuple(each for each in self.checks if each.place not in known))
        object.__setattr__(self, "_of_block", None if is_all or not places else _picking(places))

    def aligned(self, rows: Rows) -> Sequence[Sequence[Any]] | np.ndarray:
        """The values of the rows in the model's order, a missing one as None.

        Raises RefusedRequestError for a column that is missing, and for rows of another length.
        """
        given, data, width = rows.columns, rows.data, len(self.columns) or self.width
        if given is None or given == self.names or not self.columns:
            wanted = len(given) if given is not None and not self.columns else width
            _refuse_other_lengths(data, wanted)
            if given is not None and width and wanted != width:
                raise RefusedRequestError(f"{len(given)} columns, expected {width}", error_code=_MISMATCH)
            return data
        _refuse_other_lengths(data, len(given))
        return self._reordered(given, data)

    def _reordered(self, given: tuple[str, ...], data: Sequence[Sequence[Any]] | np.ndarray) -> Sequence[Sequence[Any]]:
        places, picked = self._orders.get(given) or self._ordered(given)
        is_complete = max(places) < len(given)
        if isinstance(data, np.ndarray):
            if is_complete:
                found: np.ndarray = data[:, places]
                return found  # type: ignore[return-value]
            data = data.tolist()
        return [picked(each) for each in data] if is_complete else [picked([*each, None]) for each in data]

    def _ordered(self, given: tuple[str, ...]) -> _Order:
        """Where the model's columns are among those of a request; kept, because clients send the same ones again."""
        at = {name: place for place, name in enumerate(given)}
        if len(at) < len(given):
            raise RefusedRequestError("a column is named twice", error_code=_MISMATCH)
        missing = [each.name for each in self.columns if each.name not in at and not each.may_be_absent]
        if missing:
            named = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
            raise RefusedRequestError(f"missing columns: {named}", error_code=_MISMATCH)
        places = tuple(at.get(name, len(given)) for name in self.names)
        found = places, _picking(places)
        if len(self._orders) < _MOST_ORDERS and len(given) <= 2 * len(self.columns):
            self._orders[given] = found
        return found

    def violations(self, data: Sequence[Sequence[Any]] | np.ndarray) -> list[Violation]:
        """What the values of aligned rows break, in the order of rows and columns."""
        if self.numbers is not None and self._hold(data):
            if not self._others:
                return []
            checks = self._others
        else:
            checks = self.checks
        if not checks or not len(data):
            return []
        rows = data.tolist() if isinstance(data, np.ndarray) else data
        columns: dict[int, list[Any]] = {}
        found = []
        for order, check in enumerate(checks):
            if check.place not in columns:
                columns[check.place] = [each[check.place] for each in rows]
            found += [(row, check.place, order, check) for row in check.broken(columns[check.place])]
        found.sort(key=itemgetter(0, 1, 2))
        return [Violation(row, self._name(place), check.rule, check.condition) for row, place, _, check in found]

    def _name(self, place: int) -> str:
        return self.names[place] if self.names else str(place)

    def _hold(self, data: Sequence[Sequence[Any]] | np.ndarray) -> bool:
        """Whether the columns of the block keep their rules for certain."""
        block, pick = self.numbers, self._of_block
        assert block is not None
        width = len(block.places)
        if isinstance(data, np.ndarray):
            if data.dtype.kind not in "fiu":
                return False
            part = data if pick is None else data[:, block.places]
            # whole numbers beyond 2**53 are others as floats; their own checks look at them
            if part.dtype.kind != "f" and part.size and max(-int(part.min()), int(part.max())) >= 2**53:
                return False
            part = part.astype(np.float64, copy=False)
            return block.holds_of(part, is_complete=part.dtype.kind != "f" or not np.isnan(part).any())
        if len(data) == 1:
            return block.holds(data[0] if pick is None else pick(data[0]), width)
        rows = data if pick is None else map(pick, data)
        return block.holds(list(chain.from_iterable(rows)), width)


def _picking(places: tuple[int, ...]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    if len(places) == 1:
        only = places[0]
        return lambda row: (row[only],)
    return itemgetter(*places)


def _refuse_other_lengths(data: Sequence[Sequence[Any]] | np.ndarray, width: int) -> None:
    if isinstance(data, np.ndarray):
        if data.ndim != 2 or (width and data.shape[1] != width):
            raise RefusedRequestError(f"expected rows of {width} values", error_code=_MISMATCH)
        return
    if not width:
        width = len(data[0]) if len(data) else 0
    for row, each in enumerate(data):
        if len(each) != width:
            raise RefusedRequestError(f"row {row} has {len(each)} values, expected {width}", error_code=_MISMATCH)
