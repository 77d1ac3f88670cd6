"""A model in memory, ready to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from mlgit import lazy_numpy as np
from mlgit.serving.inputs import Inputs
from mlgit.serving.release import Release
from mlgit.serving.rows import Method


class Predictor(Protocol):
    """What answers: an estimator of skops, or a function of the released commit.

    `columns` are the names of its inputs in its order, None where it knows none; `methods` what it can be asked; `classes`
    the labels of `predict_proba`'s columns, () where there are none.
    """

    @property
    def columns(self) -> tuple[str, ...] | None: ...

    @property
    def methods(self) -> tuple[Method, ...]: ...

    @property
    def classes(self) -> tuple[Any, ...]: ...

    def predict(self, data: Any, *, method: Method) -> np.ndarray:
        """One row of the answer for each row of `data` (rows as lists, or an array of two dimensions), columns in order."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A release with its predictor and the checks of its inputs.

    `seconds` is what one call with one row takes: fast models answer on the event loop, slow ones beside it.
    `self_tested` is how many recorded rows were answered as recorded; `untested` says why there were none.
    """

    release: Release
    predictor: Predictor
    inputs: Inputs
    seconds: float
    self_tested: int = 0
    untested: str = ""
