"""What a model takes: columns in its order, and what its contract asks of their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving.rows import Rows, Violation


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column that a model takes: its name, the contract's logical type ('' where none is declared), and whether a value
    may be missing; `is_private`: its values are in no message, and are hashed in the log."""

    name: str
    type: str = ""
    is_required: bool = False
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """The columns of a model in its order; empty where neither model nor contract names any.

    `checks` are what the contract asks of each of them, by the place of the column: a test of one value, with the rule's id and
    its condition in words.
    """

    columns: tuple[InputColumn, ...] = ()
    checks: tuple[tuple[int, str, str, Callable[[Any], bool]], ...] = ()

    def aligned(self, rows: Rows) -> Sequence[Sequence[Any]] | np.ndarray:
        """The values of the rows in the model's order, a missing one as None.

        Raises RefusedRequestError for a column that is missing, and for rows of another length.
        """
        raise NotImplementedError

    def violations(self, data: Sequence[Sequence[Any]] | np.ndarray) -> list[Violation]:
        """What the values of aligned rows break, in the order of rows and columns."""
        raise NotImplementedError
