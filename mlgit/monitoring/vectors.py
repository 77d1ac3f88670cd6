"""Vectors, such as embeddings: whitened by the reference, and never cut off, for drift hides in the small directions."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.monitoring.sketch import Cells, ColumnCounts
from mlgit.render.text import count

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Longer vectors are projected onto as many random directions first: their whitening would be larger than the data.
MOST_COMPONENTS = 256
_MOST_NUMBERS = 1_000_000
# A direction that varies less than so, beside the strongest, is one in which the reference does not vary at all; nor does it
# in one that varies less than floats of 32 bits can bring to a deviation of one.
_FLAT, _LEAST = 1e-10, 1e-60
# What is larger is no component: neither are its square, and whitening as floats of 32 bits.
_LARGEST = 1e30


def cells(name: str, values: Any, *, is_classified: bool = False) -> Cells:
    """The whitening of a column of vectors: their mean and directions, in which components vary by one and independently.

    Raises MlgitError where vectors have several lengths.
    """
    matrix, _ = _matrix(name, values)
    n_components = matrix.shape[1]
    mean = matrix.mean(axis=0) if len(matrix) else np.zeros(n_components)
    centered = (matrix - mean) @ _projection(n_components)
    if len(centered) < 2:
        return Cells(name, "vector", whitening=_text(np.zeros((0, n_components + 1))), is_classified=is_classified)
    variances, directions = np.linalg.eigh(np.cov(centered, rowvar=False).reshape(centered.shape[1], -1))
    kept = variances > max(float(variances.max()) * _FLAT, _LEAST)
    whitened = directions[:, kept] / np.sqrt(variances[kept])
    rows = np.concatenate([mean[None], (_projection(n_components) @ whitened).T])
    return Cells(name, "vector", whitening=_text(rows), n_components=n_components, is_classified=is_classified)


def counts(cells: Cells, values: Any, *, batch_of: Array, n_batches: int) -> ColumnCounts:
    """How many vectors each batch has, and the sums of their whitened components; those of another length are missing."""
    matrix, is_known = _matrix(cells.name, values, width=cells.n_components, is_strict=False)
    rows = _whitening(cells)
    known = np.bincount(batch_of[is_known], minlength=n_batches)
    missing = np.bincount(batch_of[~is_known], minlength=n_batches)
    sums = np.zeros((n_batches, max(len(rows) - 1, 0)))
    if len(rows) > 1 and len(matrix):
        np.add.at(sums, batch_of[is_known], (matrix - rows[0]) @ rows[1:].T)
    return ColumnCounts(known[:, None], missing, sums)


def n_directions(cells: Cells) -> int:
    """Onto how many directions vectors are projected. Raises ValueError for a whitening that is none of such vectors."""
    if not 0 <= cells.n_components <= _MOST_NUMBERS:
        raise ValueError(f"vectors of '{cells.name}' have {cells.n_components} numbers")
    rows = _whitening(cells)
    if not np.isfinite(rows).all() or (cells.n_components and not len(rows)):
        raise ValueError(f"the whitening of '{cells.name}' has no mean, or is not finite")
    return max(len(rows) - 1, 0)


def _whitening(cells: Cells) -> Array:
    """The mean, and below it the directions."""
    found: Array = np.frombuffer(base64.b64decode(cells.whitening, validate=True), dtype="<f4")
    return found.reshape(-1, max(cells.n_components, 1)).astype(float)


def statistics(sums: Array, sizes: Array) -> Array:
    """How far the mean of each batch is from that of the others, on a scale with a deviation of one: (n_batches,).

    The root of twice the sum of squared standardised differences, which is about normal.
    """
    total, number = sums.sum(axis=0), sizes.sum()
    rest = np.maximum(number - sizes, 1)
    apart = sums / np.maximum(sizes, 1)[:, None] - (total - sums) / rest[:, None]
    found: Array = np.sqrt(2.0 * (sizes * rest / max(number, 1)) * (apart**2).sum(axis=1))
    return found


def _matrix(name: str, values: Any, *, width: int = 0, is_strict: bool = True) -> tuple[Array, Array]:
    """The known vectors as rows, and which of all are known: a list of finite numbers, of `width` (0: that of the first)."""
    listed = [each.tolist() if hasattr(each, "tolist") else each for each in values]
    is_known = np.array([_is_vector(each) for each in listed], dtype=bool)
    width = width or next((len(each) for each, there in zip(listed, is_known, strict=True) if there), 0)
    is_long = np.array([there and len(each) == width for each, there in zip(listed, is_known, strict=True)], dtype=bool)
    if is_strict and (wrong := np.flatnonzero(is_known & ~is_long)).size:
        raise MlgitError(
            f"column '{name}': vectors of {count(width, 'number')} and of {len(listed[wrong[0]])}",
            "one column holds vectors of one length; `columns: {exclude: [...]}` under `monitoring:` leaves it out",
        )
    known = [each for each, there in zip(listed, is_long, strict=True) if there]
    return np.array(known, dtype=float).reshape(len(known), width), is_long


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, int | float) and abs(x) < _LARGEST for x in value)


def _projection(n_components: int) -> Array:
    """Onto all directions, or onto MOST_COMPONENTS random ones at right angles: the same for every reference."""
    if n_components <= MOST_COMPONENTS:
        return np.eye(n_components)
    drawn = np.random.default_rng(n_components).normal(size=(n_components, MOST_COMPONENTS))
    found: Array = np.linalg.qr(drawn)[0]
    return found


def _text(rows: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(rows, dtype="<f4").tobytes()).decode()
