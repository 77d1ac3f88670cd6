"""The size of a table, as a value that is compared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """The rows of a table below its header, and the names of its columns."""

    rows: int
    columns: tuple[str, ...]
