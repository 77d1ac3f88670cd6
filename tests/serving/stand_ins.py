"""Models made of a function, for tests of what is around a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlgit.serving.inputs import InputColumn, Inputs
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.release import Release
from mlgit.serving_settings import Serving
from tests.kit.late import Module

np = Module("numpy")


@dataclass
class FunctionPredictor:
    """Answers with a function of the rows; keeps how many rows each call had."""

    function: Callable[[Any], Any]
    columns: tuple[str, ...] | None = ("a", "b")
    methods: tuple[Any, ...] = ("predict",)
    classes: tuple[Any, ...] = ()

    def __post_init__(self):
        self.calls = []

    def predict(self, data, *, method):
        self.calls.append(len(data))
        return np.asarray(self.function(data))


def loaded(
    function: Callable[[Any], Any] = lambda rows: [sum(row) for row in rows],
    *,
    version: str = "v1.0.0",
    seconds: float = 0.0001,
    columns: tuple[str, ...] = ("a", "b"),
    serving: Serving | None = None,
    methods: tuple[Any, ...] = ("predict",),
    classes: tuple[Any, ...] = (),
) -> LoadedModel:
    """A model that answers with a function, in a release of this version."""
    release = Release(
        "sums",
        version,
        "c" * 40,
        "sums#prod#1",
        "d" * 40,
        "m" * 32,
        "s" * 64,
        "model/model",
        serving=serving or Serving("sums"),
    )
    predictor = FunctionPredictor(function, columns, methods, classes)
    return LoadedModel(release, predictor, Inputs(tuple(InputColumn(each, "number") for each in columns)), seconds)
