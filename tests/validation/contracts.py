"""Contracts as documents, for tests to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlgit.validation.contract import Contract
from mlgit.validation.parse import parse

Document = dict[str, Any]


def document(
    *columns: Mapping[str, Any], quality: Sequence[Mapping[str, Any]] = (), version: str = "1.0.0", **more: Any
) -> Document:
    """A contract for the table `raw`."""
    table = {"name": "raw", "properties": list(columns), "quality": list(quality)}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "raw", "version": version}
    return {**head, "schema": [table], **more}


def contract(*columns: Mapping[str, Any], quality: Sequence[Mapping[str, Any]] = (), **more: Any) -> Contract:
    """The same as a value."""
    return parse(document(*columns, quality=quality, **more), name="raw.odcs.yaml")
