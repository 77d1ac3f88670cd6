"""What differs in a contract beside its rules: descriptions, owners, tags and all else that no check reads.

Only where something differs is told, and not how: examples of values may stand there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlgit.validation.check_changes import ContractChange
from mlgit.validation.parse import ABSENT, FRESHNESS

# What the checks and the columns are made from: evolution tells of it.
_TESTED = frozenset(
    (
        *("version", "apiVersion", "schema", "properties", "items", "physicalName", "logicalType", "logicalTypeOptions"),
        *("physicalType", "required", "unique", "primaryKey", "classification", "enum"),
    )
)
_PROMISED = ("property", "value", "unit", "element")
_TOLD_OF_RULES = ("description", "dimension", "businessImpact", "tags")


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[ContractChange, ...]:
    """The places that differ in two parsed documents of contracts, each of which is untested."""
    before, now = dict(_places(old)), dict(_places(new))
    sides = [{column for column, _ in each} for each in (before, now)]
    paths = dict.fromkeys(
        (column, key)
        for column, key in [*now, *before]
        # a column that came or went is told as a whole
        if before.get((column, key)) != now.get((column, key)) and all(column in side for side in sides)
    )
    return tuple(_change(*each) for each in paths)


def _change(column: str, key: str) -> ContractChange:
    path = f"{column}.{key}" if column else key
    return ContractChange(path, "", "", "untested", f"{path} differs, which no check reads", column)


def _places(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """Each text with the column and the key where it stands; the order of lists says nothing."""
    yield from _of("", document)
    for table in document.get("schema") or []:
        yield ("", "schema.name"), str(table.get("name"))
        yield from _of("", {key: value for key, value in table.items() if key not in ("id", "name")})
        yield from _columns(table.get("properties") or [], "")


def _columns(properties: list[Mapping[str, Any]], above: str) -> Iterator[tuple[tuple[str, str], str]]:
    for each in properties:
        name = str(each.get("physicalName") or each.get("name") or "")
        yield from _column(each, f"{above}.{name}" if above else name)


def _column(given: Mapping[str, Any], path: str) -> Iterator[tuple[tuple[str, str], str]]:
    yield from _of(path, given)
    yield from _columns(given.get("properties") or [], path)
    if given.get("items"):
        yield from _column(given["items"], f"{path}[]")


def _of(column: str, given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """What stands in one place, always something, so that the place is known."""
    yield (column, ""), ""
    for key, value in given.items():
        if value is not None and key not in _TESTED:
            plain = _plain(_untested(column, key, given))
            if plain != "[]":
                yield (column, key), plain


def _untested(column: str, key: str, given: Mapping[str, Any]) -> Any:
    """What stands under a key, without what a check reads of it."""
    value = given[key]
    match key:
        case "quality":
            return [_prose(each) for each in value]
        case "slaProperties":
            return [
                {name: text for name, text in each.items() if not (_is_fresh(each) and name in _PROMISED)} for each in value
            ]
        case "slaDefaultElement":
            promises = given.get("slaProperties") or []
            return [] if any(_is_fresh(each) and not each.get("element") for each in promises) else value
        case "customProperties" if column:
            return [each for each in value if each.get("property") != ABSENT]
        case _:
            return value


def _is_fresh(promise: Mapping[str, Any]) -> bool:
    """Whether it says how old the newest row may be, which a check reads."""
    return promise.get("property") in FRESHNESS


def _prose(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rule in prose as a whole; of others what people say of it."""
    return rule if rule.get("type") == "text" else {key: rule[key] for key in _TOLD_OF_RULES if key in rule}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = sorted((str(key), _plain(each)) for key, each in value.items())
        return repr([each for each in pairs if each[1] not in ("[]", "None")])
    if isinstance(value, list):
        return repr(sorted(filter("[]".__ne__, map(_plain, value))))
    return str(value)
