"""A few columns of a table, each as one array: what is compared row by row, and nothing else of the file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from mlgit.errors import MlgitError
from mlgit.tables import chunks, formats, limits, outline


def select(
    content: bytes, *, path: str, names: Collection[str], texts: Collection[str], also: Callable[[str], bool] | None = None
) -> dict[str, Any]:
    """The columns of these names that the table has, and those that `also` wants; the end of `path` tells its format.

    Only an empty field is a missing value. `texts` are left as texts where the file has no types. A column that one piece of
    the file took for numbers and another shows to be texts is all texts. Raises MlgitError for what is no table, or too large.
    """
    table = formats.known(path)
    if table.name == "parquet":
        _refuse_rows(outline.measure(content, path=path).rows)
    found, mixed = _gathered(content, path, names, texts, also)
    if mixed and not table.has_types:
        found, _ = _gathered(content, path, names, {*texts, *mixed}, also)
    return found


def _refuse_rows(rows: int) -> None:
    if rows > limits.PREDICTIONS_ROWS:
        raise MlgitError(f"{rows} rows are more than fit into memory", f"up to {limits.PREDICTIONS_ROWS} are compared")


def _gathered(
    content: bytes, path: str, names: Collection[str], texts: Collection[str], also: Callable[[str], bool] | None
) -> tuple[dict[str, Any], set[str]]:
    """The columns as they stand, and the names of those whose pieces are partly numbers and partly not."""
    import numpy as np

    pieces: dict[str, list[Any]] = {}
    sizes: list[int] = []
    for piece in chunks.chunks(content, path=path, texts=texts, literally=True, most=limits.PREDICTIONS_BYTES):
        size = max(map(len, piece.values()), default=0)
        for name in (each for each in piece if each in names or (also and also(each))):
            # an object of JSON Lines may lack a key that others have
            found = pieces.setdefault(name, [np.full(each, None) for each in sizes])
            found.append(_typed(piece[name]))
        for name in pieces.keys() - piece.keys():
            pieces[name].append(np.full(size, None))
        sizes.append(size)
    whole = {name: [each for each in found if len(each)] or found[:1] for name, found in pieces.items()}
    mixed = {name for name, found in whole.items() if len({each.dtype.kind in "biuf" for each in found}) > 1}
    return {name: np.concatenate(found) for name, found in whole.items()}, mixed


def _typed(values: Any) -> Any:
    """An array of objects as numbers, where all of them are."""
    import numpy as np

    found = np.asarray(values)
    if found.dtype.kind != "O" or any(isinstance(value, str) for value in found):
        return found
    import pandas as pd

    return pd.Series(found).infer_objects().to_numpy()
