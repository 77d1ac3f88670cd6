"""Columns of predictions, checked, as numbers that the methods of this room work on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    # The names of classes in order, and the columns as their numbers.
    _Numbered = tuple[tuple[Any, ...], list[Array]]

_NUMBERS = "biuf"
# More different numbers than that are no classes.
MOST_CODED = 1000
# Whole numbers up to here are exact as floats.
_MOST_EXACT = 2.0**53


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Labels and predictions as class numbers 0..K-1, each of shape (n,); `names` are the K classes in order.

    Of two classes made from a positive one, the positive has number 1.
    """

    names: tuple[Any, ...]
    label: Array
    predictions: tuple[Array, ...]


class HeldColumn:
    """A column as an array, with what was made from it: that is made once for all who ask for it."""

    __slots__ = ("_made", "values")

    def __init__(self, values: Array) -> None:
        self.values = values
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made under this key, else what is made now."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Array) -> Any:
        return self.values[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.values.astype(dtype or self.values.dtype, copy=bool(copy))

    def tolist(self) -> list[Any]:
        """The values, row by row."""
        found: list[Any] = np.asarray(self).tolist()
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())


class Coded(HeldColumn):
    """A column of classes as places in `names`, which are in order, each once. As an array it is the classes."""

    __slots__ = ("_column", "names", "places")

    def __init__(self, names: tuple[Any, ...], places: Array, column: Array | None = None) -> None:
        """`column` are the classes themselves, where they lie in memory already."""
        super().__init__(places)
        self.names, self.places, self._column = names, places, column

    def __getitem__(self, rows: Array) -> Coded:
        return Coded(self.names, self.places[rows], None if self._column is None else self._column[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self._column is not None:
            return self._column.astype(dtype or self._column.dtype, copy=bool(copy))
        return np.array(self.names, dtype=object)[self.places].astype(dtype or object, copy=False)

    @property
    def are_texts(self) -> bool:
        """Whether classes are texts."""
        return self._column is None

    @property
    def is_there(self) -> Array:
        """Which of the names some row has, shape (K,)."""
        found: Array = self.once("there", lambda: np.bincount(self.places, minlength=len(self.names)) > 0)
        return found


class Texts(ABC):
    """A column of texts that are no objects, none missing: names of rows. As an array it is the texts."""

    __slots__ = ()

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, rows: Array) -> Texts: ...

    @abstractmethod
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array: ...

    @abstractmethod
    def is_same(self, other: Texts) -> bool:
        """Whether the other column has the same texts in the same order."""

    @abstractmethod
    def places_in(self, other: Texts) -> Array | None:
        """Where the other column has each text of this one, if both have the same ones, each once; else None."""

    @abstractmethod
    def is_ascending(self) -> bool:
        """Whether each text is longer than the one before it, or as long and behind it in the order of the letters."""

    @abstractmethod
    def joined(self, start: int, stop: int) -> str:
        """The texts of some rows, each after a NUL but the first."""

    def tolist(self) -> list[str]:
        """The texts, row by row."""
        found: list[str] = np.asarray(self).tolist()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())


def held(values: Any) -> Any:
    """A column that keeps what is made from it."""
    return values if values is None or isinstance(values, HeldColumn) else HeldColumn(np.asarray(values))


def once(key: Hashable, make: Callable[[], Any], first: Any, *others: Any) -> Any:
    """What is made from columns: once, where they keep what was made."""
    if isinstance(first, HeldColumn) and all(isinstance(each, HeldColumn) for each in others):
        return first.once((key, *others), make)
    return make()


def coded(*columns: Any) -> list[Any]:
    """Columns of the same classes, numbered together; as they are where they hold anything else, as a regression does."""
    if all(isinstance(each, Coded) and each.are_texts for each in columns):
        found = _merged(columns)
    else:
        values = [np.asarray(each) for each in columns]
        is_whole = len({each.dtype for each in values}) == 1 and values[0].dtype.kind in "biu"
        known = _tabled(values) if is_whole else _of_texts(values)
        if known is None or (is_whole and len(known[0]) > MOST_CODED):
            return list(columns)
        if is_whole:
            return [Coded(known[0], places, each) for places, each in zip(known[1], values, strict=True)]
        found = Classes(known[0], known[1][0], tuple(known[1][1:]))
    return [Coded(found.names, each) for each in (found.label, *found.predictions)]


def differ(one: Any, other: Any) -> Array:
    """In which rows two columns of the same kind of classes differ, shape (n,)."""
    if isinstance(one, Coded) and isinstance(other, Coded):
        found = _merged([one, other])
        return np.asarray(found.label != found.predictions[0])
    return np.asarray(np.asarray(one) != np.asarray(other))


def distinct(values: Any) -> set[Any]:
    """The different values of a column."""
    if isinstance(values, Coded):
        return {name for name, is_there in zip(values.names, values.is_there.tolist(), strict=True) if is_there}
    return set(np.asarray(values).tolist())


def _of_texts(columns: Sequence[Array]) -> _Numbered | None:
    return _listed(columns) if all(each.dtype.kind == "O" and are_texts(each) for each in columns) else None


def classes(label: Any, *predictions: Any) -> Classes:
    """Number the classes of columns of equal length.

    Raises MlgitError for lengths that differ, no rows, missing values, and text compared with numbers.
    """
    coded_ones = [each for each in (label, *predictions) if isinstance(each, Coded)]
    if len(coded_ones) > len(predictions) and len({each.are_texts for each in coded_ones}) == 1:
        return _merged(coded_ones)
    columns = [_column(label, "label"), *(_column(each, "prediction") for each in predictions)]
    _check_lengths(columns)
    if len({_is_number(each) for each in columns}) > 1:
        raise MlgitError(
            f"labels like {_first(columns[0])} cannot be compared with predictions like {_first(columns[-1])}",
            "write both as numbers, or both as text",
        )
    found = _tabled(columns) or _listed(columns) or _sorted(columns)
    if found is None:
        missing = [int(is_missing(each).sum()) for each in columns]
        told = [(missing[0], "label"), (max(missing[1:], default=0), "prediction")]
        counts = " and ".join(f"{number} of {len(columns[0])} {what}s" for number, what in told if number)
        raise MlgitError(f"{counts} are missing (empty or NaN)", "give every row a label and a prediction")
    names, codes = found
    return Classes(names, codes[0], tuple(codes[1:]))


def _merged(columns: Sequence[Coded]) -> Classes:
    """The classes of columns that are numbered each for itself, or together: then no copy is made."""
    _check_lengths(columns)
    first = columns[0].names
    if all(each.names is first for each in columns) and np.logical_or.reduce([each.is_there for each in columns]).all():
        return Classes(first, columns[0].places, tuple(each.places for each in columns[1:]))
    names = sorted({each.names[place] for each in columns for place in np.flatnonzero(each.is_there)})
    number = {name: place for place, name in enumerate(names)}
    codes = [np.array([number.get(name, 0) for name in each.names])[each.places] for each in columns]
    return Classes(tuple(names), codes[0], tuple(codes[1:]))


def is_missing(values: Any) -> Array:
    """Which values of a column are none: None, NaN and what is not equal to itself, shape (n,)."""
    if isinstance(values, Coded):
        return np.zeros(len(values), dtype=bool)
    found = np.asarray(values)
    if found.dtype.kind in "fcmM":
        return np.asarray(found != found)
    if found.dtype.kind != "O":
        return np.zeros(found.shape, dtype=bool)
    if are_texts(found):
        return np.zeros(found.shape, dtype=bool)
    return np.fromiter((each is None or each != each for each in found.tolist()), dtype=bool, count=len(found))


def are_texts(values: Array) -> bool:
    """Whether every value of a column of objects is a text."""
    return values.ndim == 1 and set(map(type, values.tolist())) == {str}


def numbered(values: Array) -> tuple[Array, Array]:
    """The numbers there are, ascending, and the place of each row's among them: numpy's `unique`, without its sort where it can
    be done without."""
    found = _tabled([values])
    if found is not None:
        return np.asarray(found[0], dtype=values.dtype), found[1][0]
    distinct, codes = np.unique(values, return_inverse=True)
    return distinct, codes


def _tabled(columns: Sequence[Array]) -> _Numbered | None:
    """Classes that are whole numbers and lie close together, by a table of those there are; None for others.

    Columns of 0..K-1 are their own numbers, and no copy of them is made.
    """
    if not all(each.dtype.kind in _NUMBERS and len(each) for each in columns):
        return None
    low, high = min(each.min() for each in columns), max(each.max() for each in columns)
    if not (float(high) - float(low) <= len(columns[0]) and abs(float(low)) < _MOST_EXACT):  # nor with a NaN
        return None
    whole = [each.astype(np.int64, copy=False) for each in columns]
    if any(each.dtype.kind == "f" and not np.array_equal(each, there) for each, there in zip(columns, whole, strict=True)):
        return None
    first = int(low)
    codes = [each - first for each in whole] if first else whole
    is_there = np.zeros(int(high) - first + 1, dtype=bool)
    for each in codes:
        is_there |= np.bincount(each, minlength=len(is_there)) > 0
    names = (np.flatnonzero(is_there) + first).astype(np.result_type(*columns))
    number = np.cumsum(is_there) - 1
    return tuple(names.tolist()), codes if is_there.all() else [number[each] for each in codes]


def _listed(columns: Sequence[Array]) -> _Numbered | None:
    """Classes of objects, such as texts; None where one is missing, and for others."""
    if not any(each.dtype.kind == "O" for each in columns):
        return None
    listed = [each.tolist() for each in columns]
    distinct = set().union(*listed)
    if any(each is None or each != each for each in distinct):
        return None
    ordered = sorted(distinct, key=_place)
    number = {name: place for place, name in enumerate(ordered)}
    return tuple(ordered), [np.fromiter(map(number.__getitem__, each), dtype=np.int64, count=len(each)) for each in listed]


def _sorted(columns: Sequence[Array]) -> _Numbered | None:
    """Classes of any other kind; None where one is missing."""
    values = np.concatenate(columns)
    if is_missing(values).any():
        return None
    names, codes = np.unique(values, return_inverse=True)
    return tuple(names.tolist()), np.split(codes, len(columns))


def _place(name: Any) -> tuple[bool, Any, str]:
    """Numbers come by size, then texts by letter."""
    is_text = not isinstance(name, int | float | np.number)
    return is_text, 0 if is_text else name, str(name) if is_text else ""


def against_rest(found: Classes, *, positive: Any = None) -> Classes:
    """Two classes: the positive one (number 1) and everything else.

    Without `positive`, labels 0 and 1 (or false and true) speak for themselves. Raises MlgitError otherwise.
    """
    if positive is None:
        if not set(found.names) <= {0, 1}:
            shown = ", ".join(repr(name) for name in found.names[:4])
            raise MlgitError(
                f"which of the classes {shown} is the positive one is not declared",
                "declare the positive label, or use a metric for any number of classes, such as f1_macro",
            )
        positive = 1
    number = found.names.index(positive) if positive in found.names else -1
    if number == 1 and len(found.names) == 2:
        return Classes((None, positive), found.label, found.predictions)
    return Classes(
        (None, positive), (found.label == number).astype(int), tuple((each == number).astype(int) for each in found.predictions)
    )


def numbers(values: Any, *, what: str) -> Array:
    """A column as finite floats, shape (n,). Raises MlgitError for anything else."""
    if isinstance(values, HeldColumn):
        known: Array = values.once("numbers", lambda: numbers(np.asarray(values), what=what))
        return known
    try:
        found = _column(values, what).astype(float, copy=False)
    except (TypeError, ValueError) as error:
        raise MlgitError(f"{what}: not all values are numbers", "this metric needs numbers") from error
    wrong = int((~np.isfinite(found)).sum())
    if wrong:
        raise MlgitError(f"{what}: {wrong} of {len(found)} values are missing or not finite", "give every row a finite number")
    return found


def same_length(*columns: Array) -> None:
    """Raises MlgitError unless all columns have the same number of rows, at least one."""
    _check_lengths(columns)


def _column(values: Any, what: str) -> Array:
    found = np.asarray(values)
    if found.ndim != 1:
        raise MlgitError(f"{what}: one value per row is needed, not an array of shape {found.shape}")
    return found


def _first(column: Array) -> str:
    return repr(column[:1].tolist()[0])


def _check_lengths(columns: Sequence[Sized]) -> None:
    lengths = {len(each) for each in columns}
    if len(lengths) > 1:
        raise MlgitError(f"columns of different lengths: {', '.join(map(str, sorted(lengths)))}", "align the rows first")
    if lengths == {0}:
        raise MlgitError("there are no rows", "a comparison needs rows")


def _is_number(column: Array) -> bool:
    if column.dtype.kind != "O":
        return column.dtype.kind in _NUMBERS
    return not isinstance(column[0], str | bytes)
