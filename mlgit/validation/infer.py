"""The draft of a contract from what a table holds: what a new batch from the same source can be held to, and nothing tighter.

No observed extreme becomes a bound, for a correct batch would break it half of the time, and no value of a row is written
but levels that come again and again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.render.text import count
from mlgit.validation import natural_bounds
from mlgit.validation.contract import Contract
from mlgit.validation.profile import MOST_LEVELS, ColumnProfile, TableProfile

API_VERSION = "v3.1.0"
# Rows without a missing value that make a column required: with so many, fewer than 1 in 100 are missing.
ENOUGH_ROWS = 300
_FEWEST_SEEN = 5
_LONGEST_LEVEL = 100
_ORDER = ("integer", "number", "boolean", "date", "time", "timestamp", "object", "array", "string")
_ID_NAME = re.compile(r"(?:.*[^a-z0-9])?(?:id|uuid|guid)|[a-z0-9]*uuid|[a-z0-9]*guid")
# What a path can name in a column: a dot in it would be a step.
_PLAIN_FIELD = re.compile(r"[^.\[\]]+")
# 2024-01, 1.2.24, 20240131T101500, 2024Q1, 2024-W05, Jan 2024
_TIME = re.compile(
    r"(?<!\d)(?:19|20)\d\d[-/._ ]?(?:0?[1-9]|1[0-2]|W\d\d|[QH][1-4])(?!\d)|(?<!\d)(?:19|20)\d{6}(?!\d)"
    r"|(?<!\d)\d{1,2}[-/. ](?:\d{1,2}|[A-Za-z]{3,9})[-/. ](?:\d\d|\d{4})(?!\d)"
    r"|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-/. ]\d\d"
)
_OWN_ID = ("id", "uuid", "guid", "row_id", "record_id", "pk", "key")
_PRIVATE = re.compile(
    r"(?:.*_)?(?:e_?mails?|phones?|telephone|mobile|fax|(?:first|last|middle|full|sur|user|family|given|maiden)_?names?|name|names"
    r"|address(?:es)?|street|ssn|social_security|passport|iban|bic|account_number|card_number|credit_card|cvv|password|passwd"
    r"|secret|token|api_key|ip|ip_address|birth_?(?:date|day|place)|date_of_birth|dob|birth|tax_id|licen[cs]e_plate|latitude|longitude"
    r"|diagnosis|religion|ethnicity)(?:_.*)?"
)


@dataclass(frozen=True, slots=True)
class ContractDraft:
    """A contract as the standard has it, and what to know of it."""

    document: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def infer(
    table: TableProfile, *, name: str, ids: Collection[str] = (), stem: str = "", earlier: Sequence[Contract] = ()
) -> ContractDraft:
    """The draft of a contract called `name`; `ids` are columns that are said to name rows, `stem` is the name of the file.

    What contracts that were there `earlier` classify stays classified.
    """
    earlier = [each.seen_in(column.name for column in table.columns) for each in earlier]
    properties = [
        of_column(each, rows=table.rows, is_id=_is_id(each, place, ids, stem or name))
        for place, each in enumerate(table.columns)
    ]
    for each in properties:
        _classify(each, each["name"], earlier)
    document = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": name,
        "version": "1.0.0",
        "status": "draft",
        "schema": [
            {
                "name": name,
                "logicalType": "object",
                "quality": [{"metric": "rowCount", "mustBeGreaterOrEqualTo": max(1, table.rows // 2)}],
                "properties": properties,
            }
        ],
    }
    return ContractDraft(document, tuple(_notes(table, ids, properties)))


def _classify(given: dict[str, Any], path: str, earlier: Sequence[Contract]) -> set[str]:
    """Say of a drafted column, and of what lies in it, how it was classified, and nothing of the values of one that was.

    What is classified and not drafted is so with the column that it lies in. Gives the paths of which it is said.
    """
    said = {path.lower()}
    for inner in given.get("properties") or []:
        said |= _classify(inner, f"{path}.{inner['name']}", earlier)
    if given.get("items"):
        said |= _classify(given["items"], f"{path}[]", earlier)
    classes = {each.path.lower(): each.classification for contract in earlier for each in contract.columns if each.is_private}
    within = [each for each in classes if each.startswith((f"{path}.".lower(), f"{path}[".lower())) and each not in said]
    for each in (path.lower(), *within):
        if each in classes:
            given.setdefault("classification", classes[each])
    if any(contract.is_private(path) for contract in earlier):
        given.pop("quality", None)
    return said.union(within)


def _notes(table: TableProfile, ids: Collection[str], properties: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = [
        f"'{each.name}' is to name rows, but {each.known - each.distinct} of its values come again"
        if each.distinct < each.known
        else f"'{each.name}' is to name rows, but it is missing in {table.rows - each.known} of them"
        for each in table.columns
        if each.name in ids and not (each.distinct == each.known == table.rows)
    ]
    if table.rows < ENOUGH_ROWS:
        notes.append(f"{count(table.rows, 'row')} cannot tell what is always there: `required` takes {ENOUGH_ROWS}")
    empty = [each.name for each in table.columns if not each.known and not logical_type(each)]
    if empty:
        notes.append(f"no value in {_few(empty)}, so nothing is said of {'it' if len(empty) == 1 else 'them'}")
    private = [each["name"] for each in properties if is_private(each["name"]) and "classification" not in each]
    if private:
        notes.append(f"{_few(private)} may be private: `classification: confidential` keeps values out of every output")
    return notes


def _few(names: list[str]) -> str:
    shown = ", ".join(f"'{each}'" for each in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def of_column(column: ColumnProfile, *, rows: int, is_id: bool = False) -> dict[str, Any]:
    """A property of the contract: what can be said of a column."""
    found: dict[str, Any] = {"name": column.name, **_typed(column)}
    if column.known == rows >= ENOUGH_ROWS:
        found["required"] = True
    if is_id and column.known and column.distinct == column.known:
        found["unique"] = True
        return found
    levels = _levels(column)
    bounds = _bounds(column)
    if bounds:
        found["logicalTypeOptions"] = bounds
    if levels:
        arguments = {"validValues": levels}
        found["quality"] = [{"metric": "invalidValues", "arguments": arguments, "mustBe": 0, "severity": "warning"}]
    return found


def logical_type(column: ColumnProfile) -> str:
    """The narrowest type of all values; '' where there is none to tell it."""
    kinds = column.kinds
    if column.is_code:
        kinds = kinds - {"integer", "number"}
    if column.has_point:
        kinds = kinds - {"integer"}
    if column.has_hour:
        kinds = kinds - {"date"}
    if column.is_loose:
        kinds = kinds - {"timestamp"}
    return next((kind for kind in _ORDER if kind in kinds), "")


def _typed(column: ColumnProfile) -> dict[str, Any]:
    kind = logical_type(column)
    found: dict[str, Any] = {"logicalType": kind} if kind else {}
    if column.fields:
        named = [{"name": each.name, **_typed(each)} for each in column.fields if _PLAIN_FIELD.fullmatch(each.name)]
        found |= {"properties": named} if named else {}
    if column.item is not None and _typed(column.item):
        found["items"] = _typed(column.item)
    return found


def _bounds(column: ColumnProfile) -> dict[str, Any]:
    """The natural bounds of a number. Two values alone tell of none: a third may be rare."""
    kind, numbers = logical_type(column), column.numbers
    if numbers is None or kind not in ("integer", "number") or column.known < natural_bounds.FEWEST or column.distinct < 3:
        return {}
    if not natural_bounds.has_floor(numbers, is_whole=kind == "integer"):
        return {}
    has_ceiling = kind == "number" and natural_bounds.has_ceiling(numbers)
    return {"minimum": 0, "maximum": 1} if has_ceiling else {"minimum": 0}


def _levels(column: ColumnProfile) -> list[Any]:
    """The values that are valid, where these are a few that come again and again."""
    levels, kind = column.levels, logical_type(column)
    if not levels or len(levels) > MOST_LEVELS or column.known < natural_bounds.FEWEST or min(levels.values()) < _FEWEST_SEEN:
        return []
    if is_private(column.name) or column.longest > _LONGEST_LEVEL:
        return []
    if kind in ("integer", "number") and "integer" in column.kinds:  # 0.0 and 1.0 are classes whose column has gaps
        codes: Counter[int] = Counter()
        for text, number in levels.items():
            codes[int(float(text))] += number
        return sorted(codes) if natural_bounds.is_code(codes) else []
    # one value alone may be that of its batch, and what tells of a time goes on
    is_set = kind == "string" and len(levels) > 1 and not all(_TIME.search(each) for each in levels)
    return sorted(levels) if is_set else []


def is_private(name: str) -> bool:
    """Whether a column's name is one of those under which people keep what is nobody's business."""
    return _PRIVATE.fullmatch(_snake(name)) is not None


def _snake(name: str) -> str:
    """`customerID` and `Customer Id` as `customer_id`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _is_id(column: ColumnProfile, place: int, ids: Collection[str], stem: str) -> bool:
    """Whether a column names rows: declared so, called so, or the first of the table and called an id.

    That an id further back is unique so far says little: the same customer may come again in the next batch.
    """
    if column.name in ids:
        return True
    name, of_table = _snake(column.name), _snake(stem)
    if name in (*_OWN_ID, f"{of_table}_id", f"{of_table.removesuffix('s')}_id"):
        return True
    is_first = place == 0 and column.known >= ENOUGH_ROWS  # of a few rows, those of one customer differ by chance
    return _ID_NAME.fullmatch(name) is not None and (is_first or _is_counted(column))


def _is_counted(column: ColumnProfile) -> bool:
    """Whether whole numbers are so dense that they would come again, if they could."""
    numbers = column.numbers
    return numbers is not None and column.known >= ENOUGH_ROWS and numbers.high - numbers.low < 4 * column.known
