"""How many rows of the test data the training data has, as a value that is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SharedRows:
    """Of `of` rows of test data, those that are in the training data too: `rows` as they stand, without the columns that name
    rows, `ids` by their name in them, `either` one way or the other.
    """

    of: int
    rows: int = 0
    ids: int = 0
    either: int = 0
