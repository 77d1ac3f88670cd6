"""A contract written down in a few words, and a table held against it."""

from __future__ import annotations

import datetime
from typing import Any

from mlgit.adapters.formats import documents
from mlgit.validation import judge, parse, source
from mlgit.validation.contract import Contract
from mlgit.validation.finding import ContractResult, Finding


def document(*columns: dict[str, Any], quality: Any = (), **more: Any) -> dict[str, Any]:
    """A contract of a table called raw."""
    table = {"name": "raw", "properties": list(columns), "quality": list(quality)}
    return {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "raw", "version": "1.0.0", "schema": [table], **more}


def contract(*columns: dict[str, Any], quality: Any = (), **more: Any) -> Contract:
    return parse.parse(document(*columns, quality=quality, **more), name="raw.odcs.yaml")


def read(text: str) -> Contract:
    return parse.parse(documents.parse_yaml(text, name="raw.odcs.yaml"), name="raw.odcs.yaml")


def check(path: Any, asked: Contract, *, now: datetime.datetime | None = None) -> ContractResult:
    return judge.judge(asked, source.parts_of(str(path), name=path.name), data=path.name, now=now)


def broken(result: ContractResult) -> dict[str, tuple[str, int | None]]:
    """The checks that did not pass: outcome and rows."""
    return {each.check.id: (each.outcome, each.rows) for each in result.broken}


def found(result: ContractResult, name: str) -> Finding:
    return next(each for each in result.findings if each.check.id == name)


def places(result: ContractResult, name: str) -> list[tuple[int, str | None]]:
    return [(each.place, each.value) for each in found(result, name).samples]


def write(folder, text, name="raw.csv"):
    path = folder / name
    path.write_text(text)
    return path


def column(name, kind="", **more):
    return {"name": name} | ({"logicalType": kind} if kind else {}) | more


def options(**more):
    return {"logicalTypeOptions": more}
