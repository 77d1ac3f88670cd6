"""Holds a window against the contract of the version that is watched: broken data outrank any drift."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mlgit import lazy_numpy as np
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.monitoring.verdict import ContractState
from mlgit.monitoring.window import Window
from mlgit.render.text import count, few
from mlgit.validation import table as words
from mlgit.validation.contract import Contract
from mlgit.validation.finding import Finding

# What is asked of rows. A window is a part of a table, so how many rows it has, and which keys come again, is no fault of it.
_OF_ROWS = ("present", "type", "required", "range", "length", "pattern", "format", "multiple", "values", "items")


class ContractFinding(NamedTuple):
    """Whether a window keeps a contract; `broken` says what it does not, `note` why it was not looked at."""

    state: ContractState
    broken: str = ""
    note: str = ""


def check(window: Window, contract: Contract | None, *, model: Model) -> ContractFinding:
    """Hold the rows of a window against what a contract asks of rows at serving: ids and labels of the model are no inputs."""
    if contract is None:
        return ContractFinding("absent")
    asked = _at_serving(contract, window, own={model.id, model.label})
    if not asked.checks:
        return ContractFinding("absent")
    try:
        from mlgit.validation import judge, source  # DuckDB, which is an extra

        with files.temporary_folder("window") as folder:
            place = Path(folder) / "window.csv"
            _write(window, place)
            result = judge.judge(asked, source.parts_of(str(place), name=window.name), data=window.name)
    except MlgitError as error:
        return ContractFinding("absent", note=f"the contract was not checked: {error.message}")
    broken = [each for each in result.findings if each.outcome in ("fail", "warn")]
    if not broken:
        return ContractFinding("pass")
    worst: Literal["fail", "warn"] = "fail" if any(each.outcome == "fail" for each in broken) else "warn"
    told = [_told(each) for each in broken if each.outcome == worst]
    return ContractFinding(worst, few(told, most=3))


def _told(finding: Finding) -> str:
    columns = ", ".join(f"'{each}'" for each in finding.check.columns)
    if finding.check.kind == "present":
        return f"no column {columns}"
    rows = f", not so in {count(finding.rows, 'row')}" if finding.rows else ""
    return f"{columns}: {words.condition(finding)}{rows}"


def _at_serving(contract: Contract, window: Window, *, own: Collection[str]) -> Contract:
    lists = {name for name, values in window.columns.items() if _is_of_lists(values)}
    skipped = {each.path for each in contract.columns if each.is_absent_at_serving or each.is_key}.union(
        own, lists, window.hashed
    )
    checks = tuple(each for each in contract.checks if each.kind in _OF_ROWS and not {*each.columns} & skipped)
    return replace(contract, checks=checks)


def _is_of_lists(values: Any) -> bool:
    found = np.asarray(values)
    return found.ndim > 1 or (found.dtype.kind == "O" and any(isinstance(each, list | dict) for each in found[:100].tolist()))


def _write(window: Window, path: Path) -> None:
    """As texts, in which a number is one wherever it came from."""
    import pyarrow
    from pyarrow import csv

    kept = {name: values for name, values in window.columns.items() if name not in window.hashed and not _is_of_lists(values)}
    table = {name: _texts(values) for name, values in kept.items()}
    if len(table) == 1:  # a row whose only value is missing would be an empty line, which is no row
        table["mlgit: rows"] = pyarrow.array(range(window.rows))
    csv.write_csv(pyarrow.table(table), path)


def _texts(values: Any) -> Any:
    import pyarrow

    found = np.asarray(values)
    if found.dtype.kind == "f":
        whole = bool(np.all(~np.isfinite(found) | (found == np.round(found)) & (np.abs(found) < 2**53)))
        array = pyarrow.array(found, from_pandas=True)
        return array.cast(pyarrow.int64()) if whole and not np.isinf(found).any() else array
    if found.dtype.kind in "biu":
        return pyarrow.array(found)
    return pyarrow.array([None if each is None or each != each else _text(each) for each in found.tolist()], pyarrow.string())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
