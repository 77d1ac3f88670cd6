"""The sketch: what the data of a training looked like, as counts of cells by batch. No row of it is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

SCHEMA = 1

BatchKind = Literal["column", "versions", "rows"]
ColumnKind = Literal["number", "category", "text", "vector"]


@dataclass(frozen=True, slots=True)
class Batches:
    """How the reference was cut into batches, and their names and sizes.

    `kind` is `column` (cut as windows are, by `by`), `versions` (the file at each commit of Git's history) or `rows`: nothing
    is known of days, and rows count as exchangeable. Then there is one batch, of all rows.
    """

    kind: BatchKind = "rows"
    by: str = ""
    names: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cells:
    """How the values of a column fall into cells.

    A number falls between `edges` (increasing; a value equal to an edge lies above it): len(edges) + 1 cells. A category falls
    on its level, in the order of `levels`, and what is none of them into one more; with `n_hashed` it falls into the cell that
    its SHA-256 gives, and there are no levels. Where `is_classified` a level is its hash. `derived` says what is measured of a
    text: characters, words or non_ascii. The `whitening` of a vector of `n_components` is its mean and then the directions
    onto which it is projected, as floats of 32 bits in Base64. `center` of a number lies amid its values: sums are of what
    is left without it, so that they stay exact for numbers which are large and near each other.
    """

    name: str
    kind: ColumnKind
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    n_hashed: int = 0
    is_classified: bool = False
    derived: str = ""
    whitening: str = ""
    n_components: int = 0
    center: float = 0.0

    @property
    def n_cells(self) -> int:
        """How many cells there are, without that of missing values."""
        if self.n_hashed:
            return self.n_hashed
        if self.kind == "vector":
            return 1
        return len(self.edges) + 1 if self.kind in ("number", "text") else len(self.levels) + 1

    @property
    def label(self) -> str:
        """What the column is called where it is shown."""
        return f"{self.name} ({self.derived})" if self.derived else self.name


@dataclass(frozen=True, slots=True, eq=False)
class ColumnCounts:
    """How many values of each batch fall into each cell: `counts` is (n_batches, n_cells), `missing` (n_batches,), integers.

    `sums` and `squares` are (n_batches,) sums of how far the known values of a number are from its center, and of the squares
    of that; None for a category. Of a vector sums are (n_batches, n_components), and `counts` has one cell.
    """

    counts: Array
    missing: Array
    sums: Array | None = None
    squares: Array | None = None

    @property
    def moments(self) -> tuple[float, float, int]:
        """Mean and standard deviation of the known values of a number in all batches, and how many there are; NaN and 0
        where no sums are known."""
        n = int(self.counts.sum())
        if not n or self.sums is None or self.squares is None:
            return math.nan, 0.0, n
        mean = float(self.sums.sum()) / n
        return mean, math.sqrt(max(float(self.squares.sum()) / n - mean * mean, 0.0)), n


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores of the released version relate to the truth, by its own test predictions.

    For a classifier of two classes `x` are scores and `y` the chances of the positive class there, a step at each (isotonic).
    For a regression `x` are predictions and `y` the expected absolute error there. `weights` are the rows of each step, and
    `moments` for a regression the means of the squared error and of its square; () where they were not kept.
    """

    kind: Literal["isotonic", "residual"]
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    n: int = 0
    weights: tuple[float, ...] = ()
    moments: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What a version was trained with. `data` are digests by path, `contract` is the digest of the contract, '' for none.

    `columns` pairs cells with counts. `metrics` are values at release; `calibration` is None where no scores were recorded.
    `notes` say what was left out, and why.
    """

    model: str
    batches: Batches
    columns: Sequence[tuple[Cells, ColumnCounts]]
    data: Mapping[str, str] = field(default_factory=dict)
    contract: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class WindowCounts:
    """A window in the cells of a sketch: for each of its columns (by `Cells.label`) one row of counts.

    `unknown` names levels that the sketch does not have, with their rows, the most frequent first. `lacking` are columns of
    the sketch that the window has not.
    """

    rows: int
    columns: Mapping[str, ColumnCounts]
    unknown: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
