"""`mlgit.yaml`: what DVC has no word for. The tables below check it and are its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit.schema import Integer, Key, MapOf, Table, Text, check, json_schema

NAME = "mlgit.yaml"

Direction = Literal["higher", "lower"]

_METRIC = Table((Key("direction", Text(choices=("higher", "lower")), "which way is better: higher or lower", required=True),))

SCHEMA = Table(
    (
        Key("mlgit", Integer(choices=(1,)), "the version of this file's format: 1", required=True),
        Key("metrics", MapOf(_METRIC), "metric name (as in the metrics file, nested names joined by dots) -> its direction"),
    )
)


@dataclass(frozen=True, slots=True)
class Config:
    """The checked content of mlgit.yaml; the empty one stands for a project without the file."""

    directions: Mapping[str, Direction] = field(default_factory=dict)

    def direction(self, metric: str) -> Direction | None:
        """The declared direction of a metric: by its full dotted name, else by the last part of it."""
        return self.directions.get(metric) or self.directions.get(metric.rpartition(".")[2])


def parse(document: Any, *, name: str = NAME) -> Config:
    """The configuration in a parsed document (None: an empty file is a fault, for the version is missing).

    Raises MlgitError naming the first fault as `mlgit.yaml: path: what`.
    """
    checked = {} if document is None else document
    check(checked, SCHEMA, name=name)
    metrics = checked.get("metrics", {})
    return Config(directions={metric: declared["direction"] for metric, declared in metrics.items()})


def document_schema() -> dict[str, Any]:
    """The JSON Schema of mlgit.yaml."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlgit.yaml",
        "description": "What mlgit needs to know beyond dvc.yaml.",
    } | json_schema(SCHEMA)
