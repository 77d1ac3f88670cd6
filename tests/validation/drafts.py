"""Drafts of contracts from small tables, and tables held against them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlgit.commands.data_infer import look
from mlgit.validation import infer, judge, parse, source
from mlgit.validation.finding import ContractResult


def written(path: Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    """A CSV file with these columns."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def document(path: Path, **options: Any) -> dict[str, Any]:
    """The draft of a file, without a project."""
    return dict(infer.infer(look(str(path)), name="raw", **options).document)


def drafted(path: Path) -> dict[str, dict[str, Any]]:
    """What is drafted for each column of a file."""
    return {each["name"]: each for each in document(path)["schema"][0]["properties"]}


def column(folder: Path, values: Sequence[Any], name: str = "x") -> dict[str, Any]:
    """What is drafted for a column with these values."""
    numbers = range(len(values))
    return drafted(written(folder / "column.csv", {"row": [f"r{each}" for each in numbers], name: values}))[name]


def kept(path: Path, contract: Mapping[str, Any]) -> ContractResult:
    """A file held against a contract."""
    return judge.judge(parse.parse(contract, name="raw.odcs.yaml"), source.parts_of(str(path), name=path.name), data=path.name)


def broken(path: Path, contract: Mapping[str, Any]) -> dict[str, int | None]:
    """The rules that a file breaks, and in how many rows."""
    return {each.check.id: each.rows for each in kept(path, contract).broken}
