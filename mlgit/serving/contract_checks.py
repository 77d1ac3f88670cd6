"""What a contract asks of a request: its columns, and the checks of each value, as `mlgit data check` judges them in a file.

What can be said of whole tables only (unique keys, shares of rows, queries, ages) asks nothing of a request; neither does
a warning.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Literal

from mlgit import lazy_numpy as np
from mlgit.serving import value_checks
from mlgit.serving.inputs import InputColumn, Inputs, NumberBlock, ValueCheck
from mlgit.validation.cells import EXACT
from mlgit.validation.contract import NONE, Contract, ContractCheck

_OF_VALUES = {"type", "required", "range", "length", "pattern", "format", "multiple", "values", "items", "missing"}
_OF_NUMBERS = {"type", "required", "range"}
Takes = Literal["numbers", "texts", ""]


def columns_of(contract: Contract, *, names: Sequence[str]) -> tuple[InputColumn, ...]:
    """The columns of these names as the contract describes them; one that it does not know has no rules."""
    found = []
    for name in names:
        column = contract.column(name)
        is_private = contract.is_private(name)
        if column is None:
            found.append(InputColumn(name, is_private=is_private))
            continue
        is_required = column.is_required or column.is_key
        found.append(InputColumn(name, column.type, is_required, is_private, may_be_absent=not is_required))
    return tuple(found)


def types_of(contract: Contract | None, names: Sequence[str]) -> tuple[str, ...]:
    """The logical types of these columns, '' where none is declared; nothing without a contract."""
    if contract is None:
        return ()
    return tuple(column.type if (column := contract.column(name)) else "" for name in names)


def names_of(contract: Contract, *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns that a request has by the contract: all but labels, and those named."""
    inner = (".", "[")
    paths = {each.path for each in contract.columns}
    return tuple(
        each.path
        for each in contract.columns
        if not each.is_absent_at_serving
        and each.path not in without
        and not any(each.path[:place] in paths for place, char in enumerate(each.path) if char in inner)
    )


def compiled(
    contract: Contract | None, *, names: Sequence[str], takes: Takes = "", width: int = 0, types: Sequence[str] = ()
) -> Inputs:
    """The inputs of a model that takes these columns; without names `width` says how many values a row has.

    `takes`: its columns can be nothing but finite numbers, or nothing but texts, whatever a contract says.
    `types` are those of the columns where there is none.
    """
    known = zip(names, types or ("",) * len(names), strict=True)
    columns = columns_of(contract, names=names) if contract else tuple(InputColumn(name, type=kind) for name, kind in known)
    ruled: dict[int, list[ContractCheck]] = {}
    for place, check in _placed(contract, names) if contract else ():
        ruled.setdefault(place, []).append(check)
    checks = [
        ValueCheck(place, check.id, check.condition, value_checks.broken(check, contract, name=names[place]))
        for place, found in ruled.items()
        for check in found
        if contract
    ]
    for place in range(len(names) or width):
        implied = _implied(columns[place].type if columns else "", takes)
        if implied is not None:
            rule, condition, test = implied
            checks.append(ValueCheck(place, f"{names[place] if names else place}.{rule}", condition, test))
    kept = [place for place in range(len(names) or width) if _is_block(place, contract, names, ruled, takes)]
    return Inputs(columns, tuple(checks), _block(kept, contract, names, ruled) if kept else None, width)


def _implied(kind: str, takes: Takes) -> tuple[str, str, value_checks.Broken] | None:
    """What no contract need say: a number is finite, and a model of numbers, or of texts, takes nothing else."""
    if kind in ("integer", "number"):
        return "number", "a finite number", value_checks.infinite
    if takes == "numbers":
        return "number", "a finite number", value_checks.not_finite
    return ("text", "a text", value_checks.no_text) if takes == "texts" else None


def _placed(contract: Contract, names: Sequence[str]) -> Iterator[tuple[int, ContractCheck]]:
    """Each check of single values with the place of the column that it looks into."""
    places = {name: place for place, name in enumerate(names)}
    for check in contract.checks:
        if check.kind not in _OF_VALUES or check.severity != "error" or check.limit != NONE or len(check.columns) != 1:
            continue
        top = value_checks.top_of(check.columns[0], places)
        if top is not None:
            yield places[top], check


def _is_block(
    place: int,
    contract: Contract | None,
    names: Sequence[str],
    ruled: dict[int, list[ContractCheck]],
    takes: Takes,
) -> bool:
    """Whether all that is asked of a column is that it holds numbers between two ends."""
    column = contract.column(names[place]) if contract and names else None
    if column is None or not column.type:
        return not ruled.get(place) and takes == "numbers"
    if column.type not in ("integer", "number"):
        return False
    return all(
        (each.kind in _OF_NUMBERS or (each.kind == "missing" and not each.options.get("values")))
        and each.columns == (names[place],)
        and all(abs(end) < EXACT for end in each.options.values() if each.kind == "range")
        for each in ruled.get(place, ())
    )


def _block(
    places: Sequence[int], contract: Contract | None, names: Sequence[str], ruled: dict[int, list[ContractCheck]]
) -> NumberBlock:
    ends = [_ends(ruled.get(place, ())) for place in places]
    whole, required = [], []
    for place in places:
        column = contract.column(names[place]) if contract and names else None
        whole.append(column is not None and column.type == "integer")
        required.append(any(each.kind in ("required", "missing") for each in ruled.get(place, ())))
    return NumberBlock(
        tuple(places),
        np.array([low for low, _ in ends], dtype=np.float64),
        np.array([high for _, high in ends], dtype=np.float64),
        np.array(whole) if any(whole) else None,
        np.array(required) if any(required) else None,
    )


def _ends(checks: Sequence[ContractCheck]) -> tuple[float, float]:
    """Both ends of what is allowed, both included; no number is infinite."""
    low, high = -sys.float_info.max, sys.float_info.max
    for check in checks:
        if check.kind != "range":
            continue
        for key, end in check.options.items():
            match key:
                case "minimum":
                    low = max(low, float(end))
                case "exclusiveMinimum":
                    low = max(low, math.nextafter(float(end), math.inf))
                case "maximum":
                    high = min(high, float(end))
                case _:
                    high = min(high, math.nextafter(float(end), -math.inf))
    return low, high
