"""A few columns of a table, each as one array: what is compared row by row, and nothing else of the file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from mlgit.errors import MlgitError
from mlgit.tables import chunks, formats, limits, outline


def select(
    content: bytes,
    *,
    path: str,
    names: Collection[str],
    texts: Collection[str],
    keys: Collection[str] = (),
    also: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """The columns of these names that the table has, and those that `also` wants; the end of `path` tells its format.

    Only an empty field is a missing value. `texts` are left as texts where the file has no types. A column that one piece of
    the file took for numbers and another shows to be texts is all texts. `keys` among the texts may be numbers where each is a
    whole one, written as Python writes it. Raises MlgitError for what is no table, or too large.
    """
    table = formats.known(path)
    if table.name == "parquet":
        _refuse_rows(outline.measure(content, path=path).rows)
    texts, keys = frozenset(texts), frozenset(keys)
    asked = _Asked(path, frozenset(names), texts - keys, keys, also, guessed=frozenset() if table.has_types else texts - keys)
    gathered = _gathered(content, asked)
    while isinstance(gathered, _Misread):
        if gathered.column in asked.keys:
            asked = replace(asked, texts=asked.texts | asked.keys, keys=frozenset(), guessed=asked.guessed | asked.keys)
        else:
            asked = replace(asked, guessed=asked.guessed - {gathered.column})
        gathered = _gathered(content, asked)
    found, mixed = gathered
    if not mixed or table.has_types:
        return found
    gathered = _gathered(content, replace(asked, texts=asked.texts | mixed, guessed=frozenset()))
    assert not isinstance(gathered, _Misread), "nothing is guessed"
    return gathered[0]


@dataclass(frozen=True, slots=True)
class _Asked:
    path: str
    names: frozenset[str]
    texts: frozenset[str]
    keys: frozenset[str]
    also: Callable[[str], bool] | None
    guessed: frozenset[str]

    def wants(self, name: str) -> bool:
        return name in self.names or (self.also is not None and self.also(name))


@dataclass(frozen=True, slots=True)
class _Misread:
    """A column that is not what it was read as: a key that is no whole number, or a text that looks like one in every row."""

    column: str


def _refuse_rows(rows: int) -> None:
    if rows > limits.PREDICTIONS_ROWS:
        raise MlgitError(f"{rows} rows are more than fit into memory", f"up to {limits.PREDICTIONS_ROWS} are compared")


def _gathered(content: bytes, asked: _Asked) -> tuple[dict[str, Any], set[str]] | _Misread:
    """The columns as they stand, and the names of those whose pieces are partly numbers and partly not."""
    import numpy as np

    pieces: dict[str, list[Any]] = {}
    sizes: list[int] = []
    for piece in chunks.chunks(
        content,
        path=asked.path,
        texts=asked.texts,
        keys=asked.keys,
        guessed=asked.guessed,
        literally=True,
        most=limits.PREDICTIONS_BYTES,
        wanted=asked.wants,
        in_arrow=True,
    ):
        size = max(map(len, piece.values()), default=0)
        for name in filter(asked.wants, piece):
            values = piece[name]
            if isinstance(values, np.ndarray):
                is_of_bytes = name in asked.keys and len(values) > 0 and isinstance(values[0], bytes)
                values = _whole_numbers(values) if is_of_bytes else _typed(values)  # before pandas 3 these are objects
            if values is None or (name in asked.guessed and not _may_be_texts(values)):
                return _Misread(name)
            # an object of JSON Lines may lack a key that others have
            pieces.setdefault(name, [np.full(each, None) for each in sizes]).append(values)
        for name in pieces.keys() - piece.keys():
            pieces[name].append(np.full(size, None))
        sizes.append(size)
    whole = {name: [each for each in found if len(each)] or found[:1] for name, found in pieces.items()}
    mixed = {name for name, found in whole.items() if len(set(map(_is_number, found))) > 1}
    pieces.clear()  # each column lies in memory twice, but one after the other
    return {name: _joined(whole.pop(name)) for name in list(whole)}, mixed


def _is_number(values: Any) -> bool:
    return hasattr(values, "dtype") and values.dtype.kind in "biuf"


def _joined(pieces: list[Any]) -> Any:
    import numpy as np

    if not any(isinstance(each, np.ndarray) for each in pieces):
        from mlgit.tables import textcolumns  # with numpy and Arrow, which a project without predictions needs not

        return textcolumns.joined(pieces)
    return np.concatenate([np.asarray(each) for each in pieces])


def _may_be_texts(values: Any) -> bool:
    """Whether a piece of a column that pandas looked at may hold texts: numbers too large for an array are objects as well."""
    if not hasattr(values, "dtype"):  # of Arrow
        return True
    if values.dtype.kind != "O":
        return not len(values)
    return isinstance(next((each for each in values if each == each), ""), str)


def _whole_numbers(values: Any) -> Any | None:
    """Texts of bytes as the numbers that they are; None where one is no whole number, or not written as Python writes it."""
    import numpy as np

    places = np.asarray(values, dtype=f"S{chunks.KEY_BYTES}").view(np.uint8).reshape(len(values), chunks.KEY_BYTES)
    width = int(places.any(axis=0).sum())
    has_more = width == chunks.KEY_BYTES
    if not len(values) or has_more or ((places[:, 0] == ord("0")) & (places[:, 1] != 0)).any():
        return None
    found, has_ended = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=bool)
    for place in range(width):
        digit = places[:, place] - ord("0")
        is_digit = digit < 10
        is_end = places[:, place] == 0
        if not (is_digit ^ is_end).all() or (is_digit & has_ended).any() or (place == 0 and is_end.any()):
            return None
        np.multiply(found, 10, out=found, where=is_digit)
        np.add(found, digit, out=found, where=is_digit)
        has_ended = is_end
    return found


def _typed(values: Any) -> Any:
    """An array of objects as numbers, where all of them are."""
    import numpy as np

    found = np.asarray(values)
    if found.dtype.kind != "O" or any(isinstance(value, str) for value in found):
        return found
    import pandas as pd

    return pd.Series(found).infer_objects().to_numpy()
