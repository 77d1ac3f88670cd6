"""What a request asks a model about: rows of values, whichever protocol brought them; and why a request is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from mlgit import lazy_numpy as np

Method = Literal["predict", "predict_proba"]
METHODS: tuple[Method, ...] = ("predict", "predict_proba")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in the order of the request: lists of values, or one array of two dimensions.

    `columns` name the values of a row; None where the protocol names none, and they are taken in the model's order.
    """

    columns: tuple[str, ...] | None
    data: Sequence[Sequence[Any]] | np.ndarray

    def __len__(self) -> int:
        return len(self.data)


class ServedRequest(NamedTuple):
    """A request that was understood: the rows, and what the model is to say of them.

    `methods` are what was asked for by name, in the order of the answer; empty: what the model is declared to answer.
    `id` is what the body itself says that the request is called ('' for nothing). `is_binary`: what is not asked for by name
    is answered as bytes; `binary_methods` are those that are, of what is.
    """

    rows: Rows
    methods: tuple[Method, ...] = ()
    id: str = ""
    is_binary: bool = False
    binary_methods: tuple[Method, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """A value of a request that breaks a rule of the contract: row (from 0), column, the rule's id, and what it asks.

    The value is not held: an error never repeats what a request said.
    """

    row: int
    column: str
    rule: str
    condition: str


class RefusedRequestError(Exception):
    """A request that gets no prediction: the status of HTTP, the error code of MLflow's protocol, and why, in words."""

    def __init__(
        self, message: str, *, status: int = 400, error_code: str = "BAD_REQUEST", violations: Sequence[Violation] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.error_code = error_code
        self.violations = tuple(violations)
