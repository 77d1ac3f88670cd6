"""Rows of two tables brought together by their key, never by their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Where each common row lies: `baseline[i]` and `current[i]` are places of the same key, in the baseline's order."""

    baseline: Array
    current: Array


@dataclass(frozen=True, slots=True)
class Misaligned:
    """Why two tables cannot be compared row by row, in numbers, and the first few keys that are to blame."""

    repeated_baseline: int
    repeated_current: int
    missing: int
    added: int
    unnamed: int
    examples: tuple[str, ...]

    @property
    def reason(self) -> str:
        """One sentence with every count that is not 0."""
        told = [
            (self.unnamed, "rows without a key"),
            (self.repeated_baseline, "keys more than once in the baseline"),
            (self.repeated_current, "keys more than once in the current rows"),
            (self.missing, "rows of the baseline are missing"),
            (self.added, "rows are new"),
        ]
        shown = f" (such as {', '.join(self.examples)})" if self.examples else ""
        return "the rows are not the same: " + ", ".join(f"{number} {what}" for number, what in told if number) + shown


def align(baseline: Any, current: Any) -> Aligned | Misaligned:
    """Bring two columns of keys together. Keys are compared as text, for 7 and "7" of two files are the same row."""
    unnamed = sum(int(pd.isna(np.asarray(each, dtype=object)).sum()) for each in (baseline, current))
    old, new = (pd.Index([str(key) for key in np.asarray(each, dtype=object)]) for each in (baseline, current))
    repeated = [each[each.duplicated()].unique() for each in (old, new)]
    missing, added = old.difference(new), new.difference(old)
    if unnamed or any(len(each) for each in (*repeated, missing, added)):
        blamed = [str(key) for each in (*repeated, missing, added) for key in each[:3]]
        counts = len(repeated[0]), len(repeated[1]), len(missing), len(added), unnamed
        return Misaligned(*counts, examples=tuple(dict.fromkeys(blamed))[:3])
    return Aligned(np.arange(len(old)), np.asarray(new.get_indexer(old)))
