"""Loaded models without a file: what protocols and documents need of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgit.serving import contract_checks
from mlgit.serving.inputs import Inputs
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.release import Release
from mlgit.serving.rows import METHODS, Method
from mlgit.validation.contract import Contract
from mlgit.validation.parse import parse

CONTRACT = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "patients",
    "status": "active",
    "version": "1.0.0",
    "schema": [
        {
            "name": "patients",
            "properties": [
                {
                    "name": "age",
                    "logicalType": "integer",
                    "required": True,
                    "logicalTypeOptions": {"minimum": 0, "maximum": 120},
                },
                {"name": "height", "logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0}},
                {"name": "is_smoker", "logicalType": "boolean", "required": True},
                {"name": "city", "logicalType": "string", "logicalTypeOptions": {"maxLength": 20}},
                {"name": "seen", "logicalType": "date"},
            ],
        }
    ],
}
COLUMNS = ("age", "height", "is_smoker", "city", "seen")


@dataclass(frozen=True)
class Constant:
    """A predictor that answers the same for each row."""

    columns: tuple[str, ...] | None = COLUMNS
    methods: tuple[Method, ...] = METHODS
    classes: tuple[Any, ...] = ("no", "yes")

    def predict(self, data: Any, *, method: Method) -> np.ndarray:
        """The first class, and no doubt about it."""
        if method == "predict_proba":
            return np.tile(np.eye(1, len(self.classes)), (len(data), 1))
        return np.array([self.classes[0]] * len(data))


def inputs(contract: dict[str, Any] | None = CONTRACT, *, names: tuple[str, ...] = COLUMNS, width: int = 0) -> Inputs:
    """What a model with these columns takes."""
    known: Contract | None = parse(contract, name="contract") if contract else None
    return contract_checks.compiled(known, names=names, width=width)


def loaded(taken: Inputs | None = None, *, predictor: Constant | None = None) -> LoadedModel:
    """A model of version 1.2.0."""
    release = Release("churn", "v1.2.0", "c" * 40, "churn#prod#1", "t" * 40, "m" * 32, "s" * 64, "model.skops", "skops")
    return LoadedModel(release, predictor or Constant(), inputs() if taken is None else taken, 0.001)
