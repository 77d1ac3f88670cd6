"""The scores of every class for every row, and which class each row is of.

Columns and labels are matched by how they are written, so that the label 1 belongs to the column of "1". Classes come in the
order in which scikit-learn has those labels, on which ties hang: numbers by size, texts by letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError, near_miss
from mlgit.render.text import few
from mlgit.statistics import rows
from mlgit.statistics.predictions import Predictions, weights_of

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Probabilities of a row that were rounded to a few digits sum to 1 within this.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """`scores` (K, n) by class, `label` (n,) the place of each row's class among them, `weight` (n,) or None.

    `columns` are the scores as they were given, which keep what is made from them.
    """

    names: tuple[str, ...]
    scores: Array
    label: Array
    weight: Array | None
    columns: tuple[Any, ...]

    @property
    def own(self) -> Array:
        """What is said of the class that each row is of, shape (n,)."""
        return np.asarray(self.scores[self.label, np.arange(len(self.label))])

    @property
    def rows_of_class(self) -> Array:
        """How many rows each class has, shape (K,)."""
        return np.bincount(self.label, minlength=len(self.names))

    def place(self, of_class: Any) -> int:
        """The place of a class. Raises MlgitError for one that no column is of."""
        known = {name: place for place, name in enumerate(self.names)}
        found = next((known[each] for each in _spellings(of_class) if each in known), None)
        if found is None:
            raise _unknown(f"no column of scores is of the class {_text(of_class)!r}", _text(of_class), self.names)
        return found


def class_scores(given: Predictions, *, metric: str) -> ClassScores:
    """The scores of a model. Raises MlgitError for missing values, fewer than two classes, and labels without a column."""
    keys = _in_order(given)
    columns = [given.scores[key] for key in keys]
    names = tuple(_text(key) for key in keys)
    if len(set(names)) < max(2, len(names)):
        told = few(names) or "none"
        raise MlgitError(
            f"{metric} needs a column of scores for each of two or more classes, there are those of: {told}", _HINT
        )

    def make() -> tuple[Array, Array]:
        known = [rows.numbers(each, what=f"score of class {name}") for name, each in zip(names, columns, strict=True)]
        label = _places(given.label, names)
        rows.same_length(label, *known)
        return np.stack(known), label

    scores, label = rows.once(("class scores", names), make, given.label, *columns)
    return ClassScores(names, scores, label, weights_of(given), tuple(columns))


def probabilities(given: Predictions, *, metric: str) -> ClassScores:
    """The same, where scores have to be probabilities. Raises MlgitError for those outside 0 to 1 or of another sum than 1."""
    found = class_scores(given, metric=metric)
    outside = int(((found.scores < 0) | (found.scores > 1)).any(axis=0).sum())
    if outside:
        raise MlgitError(f"{metric} needs probabilities, but in {_of(outside, found)} scores lie outside 0 to 1", _OTHER)
    wrong = int((np.abs(found.scores.sum(axis=0) - 1) > _ROUNDING).sum())
    if wrong:
        raise MlgitError(f"{metric} needs probabilities, but in {_of(wrong, found)} they do not sum to 1", _SUM)
    return found


_HINT = "name them as models.NAME.scores in mlgit.yaml: a column for each class, or a pattern such as p_{class}"
_OTHER = "write probabilities, or use a metric of any scores, such as roc_auc_macro"
_SUM = f"give a column to every class, and sums within {_ROUNDING} of 1"


def _of(number: int, found: ClassScores) -> str:
    return f"{number} of {len(found.label)} rows"


def _in_order(given: Predictions) -> list[Any]:
    """The keys of the columns as scikit-learn sorts labels of that kind."""
    known = given.label
    are_texts = known.are_texts if isinstance(known, rows.Coded) else np.asarray(known).dtype.kind in "OU"
    try:
        if not are_texts:
            return sorted(given.scores, key=float)
    except (TypeError, ValueError):
        pass
    return sorted(given.scores, key=_text)


def _places(label: Any, names: tuple[str, ...]) -> Array:
    """Which of the classes each label is, shape (n,)."""
    found = rows.classes(label)
    place = {name: number for number, name in enumerate(names)}
    known = [next((place[each] for each in _spellings(name) if each in place), -1) for name in found.names]
    strange = [_text(name) for name, number in zip(found.names, known, strict=True) if number < 0]
    if strange:
        number = int(np.isin(found.label, np.flatnonzero(np.array(known) < 0)).sum())
        told = f"{number} of {len(found.label)} rows have a label that no column of scores is of: {few(map(repr, strange))}"
        raise _unknown(told, strange[0], names)
    return np.asarray(np.array(known, dtype=np.int64)[found.label])


def _unknown(told: str, name: str, names: Iterable[str]) -> MlgitError:
    return MlgitError(f"{told}{near_miss(name, names)}", f"there are columns for {few(names)}; {_HINT}")


def _text(value: Any) -> str:
    """A class as it is written: 1.0 as 1."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _spellings(value: Any) -> tuple[str, ...]:
    found = _text(value)
    return (found, found.lower()) if isinstance(value, bool | np.bool_) else (found,)
