"""A window: rows of today, as far as a model saw them, and what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Rows that are judged together. `name` is the day (or hour, value, ...) that they belong to, unique among windows.

    `since` and `until` are the time of the first and last row in ISO 8601, '' where rows have none: the data's own clock.
    `digest` is `sha256:...` of the content, the same wherever it is read from; rows in another order give the same.
    `columns` are the inputs by name, as `tables.whole` gives them: numbers as floats or integers, truth values, moments as
    `datetime64`, texts as objects or as `rows.Coded`, vectors in two dimensions; None, NaN or NaT where missing. `ids` name
    rows for labels; `predictions` are what was answered, `scores` the probability of the positive class. `hashed` are columns
    whose values the log keeps as hashes only.
    `times` is when each row was answered, in microseconds since 1970 (`moments.NONE` for none), None where nothing tells.
    `is_complete`: later rows exist, or the period it covers is over, so that no more rows are expected.
    """

    name: str
    rows: int
    columns: Mapping[str, Array]
    digest: str = ""
    since: str = ""
    until: str = ""
    ids: Array | None = None
    predictions: Array | None = None
    scores: Array | None = None
    hashed: frozenset[str] = field(default_factory=frozenset)
    versions: tuple[str, ...] = ()
    is_complete: bool = True
    times: Array | None = None
