"""Which changes of a contract tighten, which loosen, and what its version has to become."""

from __future__ import annotations

from typing import Any

import pytest

from mlgit.validation import evolution, prose
from mlgit.validation.check_changes import ContractChange
from tests.validation.contracts import contract, document


def _rule(**keys: Any) -> dict[str, Any]:
    return {"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0} | keys


def _values(*values: object) -> dict[str, Any]:
    return {"quality": [_rule(arguments={"validValues": list(values)})]}


def _options(**options: object) -> dict[str, Any]:
    return {"logicalTypeOptions": options}


def _missing(**limit: object) -> dict[str, Any]:
    return {"quality": [{"metric": "nullValues", **limit}]}


def _sla(value: int, unit: str) -> list[dict[str, Any]]:
    return [{"property": "latency", "value": value, "unit": unit, "element": "raw.a"}]


def _changes(old: dict[str, Any], new: dict[str, Any], kind: str = "integer") -> tuple[ContractChange, ...]:
    sides = (contract({"name": "a", "logicalType": kind, **each}) for each in (old, new))
    return evolution.compare(*sides)


# What stands in a column before and after, its type, and what is told: path and direction.
TABLE: list[tuple[dict[str, Any], dict[str, Any], str, dict[str, str]]] = [
    ({}, {"required": True}, "integer", {"a.required": "tightens"}),
    ({"unique": True}, {}, "integer", {"a.unique": "loosens"}),
    ({}, {"primaryKey": True}, "integer", {"a.required": "tightens", "a.unique": "tightens", "a.primaryKey": "untested"}),
    ({"required": True}, _missing(mustBe=0), "integer", {}),
    (_missing(mustBe=0), _missing(mustBeLessThan=1), "integer", {}),
    (_missing(mustBe=0), _missing(mustBeLessThan=1, unit="percent"), "integer", {"a.nullValues": "loosens"}),
    (_missing(mustBeLessThan=5), _missing(mustBeLessThan=5, unit="percent"), "integer", {"a.nullValues": "both"}),
    ({"unique": True}, {"quality": [{"metric": "duplicateValues", "mustBe": 0}]}, "integer", {}),
    (_options(minimum=1), _options(exclusiveMinimum=0), "integer", {}),
    (_options(minimum=1), _options(exclusiveMinimum=0), "number", {"a.minimum": "loosens"}),
    (
        _options(minimum=0, maximum=9),
        _options(minimum=1, maximum=10),
        "integer",
        {"a.minimum": "tightens", "a.maximum": "loosens"},
    ),
    (_options(maximum=10), _options(exclusiveMaximum=10), "number", {"a.maximum": "tightens"}),
    (_options(maximum=10, exclusiveMaximum=True), _options(exclusiveMaximum=10), "number", {}),
    (_options(minimum="2026-01-01"), _options(exclusiveMinimum="2025-12-31"), "date", {}),
    (_options(maximum="2026-01-01T00:00:00Z"), _options(maximum="2026-01-01T01:00:00+01:00"), "timestamp", {}),
    (_options(minimum="some day"), _options(minimum="another day"), "date", {"a.minimum": "both"}),
    (_options(minLength=0), {}, "string", {}),
    (
        _options(minLength=2),
        _options(minLength=3, maxLength=0),
        "string",
        {"a.minLength": "tightens", "a.maxLength": "tightens"},
    ),
    (_options(maxItems=3), _options(maxItems=5), "array", {"a.maxItems": "loosens"}),
    (_options(uniqueItems=True), {}, "array", {"a.items": "loosens"}),
    (_options(multipleOf=0.1), _options(multipleOf=0.3), "number", {"a.multiple": "tightens"}),
    (_options(multipleOf=4), _options(multipleOf=6), "integer", {"a.multiple": "both"}),
    (_options(pattern="^a$"), _options(pattern="^b$"), "string", {"a.pattern": "both"}),
    (_options(pattern="^a$"), {}, "string", {"a.pattern": "loosens"}),
    (_options(format="email"), _options(format="uuid"), "string", {"a.format": "both"}),
    (_options(format="i32"), _options(format="i64"), "integer", {"a.minimum": "loosens", "a.maximum": "loosens"}),
    ({"logicalType": "integer"}, {"logicalType": "number"}, "", {"a.logicalType": "loosens"}),
    ({"logicalType": "number"}, {"logicalType": "integer"}, "", {"a.logicalType": "tightens"}),
    ({"logicalType": "string"}, {"logicalType": "date"}, "", {"a.logicalType": "both"}),
    ({"physicalType": "int"}, {"physicalType": "bigint"}, "integer", {"a.physicalType": "both"}),
    (_values("a", "b"), _values("b", "a"), "string", {}),
    (_values(1, 2), {"enum": [{"value": 1}, {"value": 2}]}, "integer", {}),
    (_values("a", "b"), _values("a", "b", "c"), "string", {"a.invalidValues": "loosens"}),
    (_values("a", "b"), _values("a"), "string", {"a.invalidValues": "tightens"}),
    (_values("a", "b"), _values("a", "c"), "string", {"a.invalidValues": "both"}),
    (
        {"quality": [_rule(mustBe=0)]},
        {"quality": [_rule(mustBe=0, severity="warning")]},
        "string",
        {"a.invalidValues": "loosens"},
    ),
    ({}, {"quality": [_rule(severity="warning")]}, "string", {"a.invalidValues": "untested"}),
    ({"classification": "pii"}, {}, "string", {"a.classification": "untested"}),
]


@pytest.mark.parametrize(("old", "new", "kind", "told"), TABLE)
def test_a_column_moves_as_what_it_lets_pass(old: dict[str, Any], new: dict[str, Any], kind: str, told: dict[str, str]) -> None:
    assert {each.path: each.direction for each in _changes(old, new, kind)} == told


@pytest.mark.parametrize(("old", "new", "kind", "told"), TABLE)
def test_the_way_back_is_the_other_direction(old: dict[str, Any], new: dict[str, Any], kind: str, told: dict[str, str]) -> None:
    turned = {"tightens": "loosens", "loosens": "tightens"}
    back = sorted(turned.get(each.direction, each.direction) for each in _changes(new, old, kind))
    assert back == sorted(told.values())


LIMITS = [
    ({"mustBeGreaterThan": 9}, {"mustBeGreaterOrEqualTo": 10}, []),
    ({"mustBeGreaterOrEqualTo": 10}, {"mustBeGreaterOrEqualTo": 5}, ["loosens"]),
    ({"mustBeBetween": [0, 10]}, {"mustBeBetween": [5, 15]}, ["both"]),
    ({"mustBeBetween": [0, 10]}, {"mustBeBetween": [5, 10]}, ["tightens"]),
    ({"mustNotBe": 0}, {"mustBeGreaterThan": 0}, []),
    ({"mustBe": 5}, {"mustNotBeBetween": [5, 7]}, ["loosens"]),
]


@pytest.mark.parametrize(("old", "new", "told"), LIMITS)
def test_limits_are_compared_by_the_numbers_that_pass(old: dict[str, Any], new: dict[str, Any], told: list[str]) -> None:
    sides = (contract({"name": "a"}, quality=[{"metric": "rowCount", **each}]) for each in (old, new))
    assert [each.direction for each in evolution.compare(*sides)] == told


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select  count(*)\n from {object} -- of all", []),
        ("SELECT count(*) FROM {object}", ["both"]),
        ("select count(*) from {object} where a = 'x  y'", ["both"]),
    ],
)
def test_a_query_is_the_same_but_for_space_and_comments(query: str, told: list[str]) -> None:
    queries = ("select count(*) from {object}", query)
    sides = (contract({"name": "a"}, quality=[{"type": "sql", "query": each, "mustBe": 0}]) for each in queries)
    assert [each.direction for each in evolution.compare(*sides)] == told


def test_space_within_the_quotes_of_a_query_counts() -> None:
    queries = ("select count(*) from {object} where a = 'x y'", "select count(*) from {object} where a = 'x  y'")
    sides = (contract({"name": "a"}, quality=[{"type": "sql", "query": each, "mustBe": 0}]) for each in queries)
    assert [each.direction for each in evolution.compare(*sides)] == ["both"]


def test_freshness_that_is_promised_sooner_tightens() -> None:
    old, same, new = (contract({"name": "a"}, slaProperties=_sla(*each)) for each in ((2, "d"), (48, "h"), (1, "d")))
    assert evolution.compare(old, same) == ()
    assert [(each.path, each.direction) for each in evolution.compare(old, new)] == [("a.freshness", "tightens")]


def test_a_column_that_comes_or_goes_is_told_once_with_all_that_lies_in_it() -> None:
    nested = {"name": "b", "required": True, "properties": [{"name": "c", "logicalType": "string", "unique": True}]}
    one, two = contract({"name": "a"}), contract({"name": "a"}, nested)
    assert [(each.path, each.direction) for each in evolution.compare(one, two)] == [("b", "tightens")]
    assert [(each.path, each.direction) for each in evolution.compare(two, one)] == [("b", "loosens")]


def test_a_column_within_another_moves_on_its_own() -> None:
    old, new = (
        contract({"name": "b", "properties": [{"name": "c", "logicalType": "string", "required": each}]})
        for each in (True, False)
    )
    assert [(each.path, each.direction) for each in evolution.compare(old, new)] == [("b.c.required", "loosens")]


def test_a_column_that_is_called_otherwise_in_the_data_breaks_both_sides() -> None:
    inner = {"properties": [{"name": "q", "logicalType": "string"}]}
    old, new = (contract({"name": "a", "physicalName": each, "required": True, **inner}) for each in ("x", "y"))
    assert [(each.path, each.direction) for each in evolution.compare(old, new)] == [("y.physicalName", "both")]


def test_a_key_of_two_columns_that_loses_one_breaks_both_sides() -> None:
    old = contract({"name": "a", "primaryKey": True}, {"name": "b", "primaryKey": True})
    new = contract({"name": "a", "primaryKey": True}, {"name": "b", "required": True})
    found = evolution.compare(old, new)
    assert {each.direction for each in found} == {"tightens", "loosens", "untested"}


def test_neither_order_nor_a_name_of_a_rule_is_a_change() -> None:
    rules = [{"metric": "rowCount", "mustBeGreaterThan": 9}, {"type": "sql", "id": "q", "query": "select 0", "mustBe": 0}]
    one = contract({"name": "a"}, {"name": "b"}, quality=rules)
    other = contract({"name": "b"}, {"name": "a"}, quality=[{**rules[1], "id": "r"}, rules[0]])
    assert evolution.compare(one, other) == ()


@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        ({"enum": ["s1", "s2"]}, {"enum": ["s2", "s3"]}),
        (_values("s1", "s2"), _values("s2", "s3")),
        (_options(pattern="s1"), _options(pattern="s3")),
        (_options(pattern="s1"), {}),
        ({"quality": [{"metric": "missingValues", "arguments": {"missingValues": ["s1"]}, "mustBe": 0}]}, {}),
        ({"quality": [{"type": "sql", "query": "select count(*) from raw where a='s1'", "mustBe": 0}]}, {}),
    ],
)
@pytest.mark.parametrize("classes", [("pii", "pii"), ("pii", "public"), ("", "secret")])
def test_values_of_classified_columns_are_in_nothing_that_is_told(
    keys: dict[str, Any], changed: dict[str, Any], classes: tuple[str, str]
) -> None:
    old, new = (
        contract({"name": "a", "logicalType": "string", "classification": each, **more})
        for each, more in zip(classes, (keys, changed), strict=True)
    )
    for found in (evolution.evolved("raw.csv", old, new), evolution.evolved("raw.csv", new, old)):
        assert found.breaking("consumer") or found.breaking("producer")
        assert not any(each in str(found) + str(found.document("consumer")) for each in ("s1", "s2", "s3"))


def test_a_query_over_the_table_hides_what_it_says_of_a_classified_column() -> None:
    rule = {"type": "sql", "query": "select count(*) from raw where SSN = '123'", "mustBe": 0}
    old = contract({"name": "ssn", "classification": "pii"}, quality=[rule])
    found = evolution.compare(old, contract({"name": "ssn", "classification": "pii"}))
    assert [each.direction for each in found] == ["loosens"]
    assert "123" not in str(found)


@pytest.mark.parametrize("name", ["full name", "e-mail", 'say "x"', "a.b", "Höhe m"])
def test_a_query_is_hidden_however_the_classified_column_is_called(name: str) -> None:
    quoted = name.upper().replace('"', '""')
    rule = {"type": "sql", "query": f"select count(*) from raw where \"{quoted}\" = '123'", "mustBe": 0}
    hidden = {"name": name, "classification": "pii"}
    assert "123" not in str(evolution.compare(contract(hidden, quality=[rule]), contract(hidden)))


def test_values_of_a_column_that_was_classified_are_hidden_under_its_new_name() -> None:
    old = contract({"name": "a", "logicalType": "string", "classification": "pii", "enum": ["s1", "s2"]})
    new = contract({"name": "a", "physicalName": "b", "logicalType": "string", "enum": ["s2", "s3"]})
    for found in (evolution.compare(old, new), evolution.compare(new, old)):
        assert found
        assert not any(each in str(found) for each in ("s1", "s2", "s3"))


def test_what_a_check_reads_of_promises_and_facts_is_told_once() -> None:
    keys = {"slaProperties": _sla(2, "d")}
    label = {"customProperties": [{"property": "absentAtServing", "value": True}]}
    assert prose.changes(document({"name": "a"}), document({"name": "a"} | label, **keys)) == ()
    keys["slaProperties"] += [{"property": "retention", "value": 3, "unit": "y"}]
    label["customProperties"] += [{"property": "owner", "value": "x"}]
    told = prose.changes(document({"name": "a"}), document({"name": "a"} | label, **keys))
    assert [each.path for each in told] == ["slaProperties", "a.customProperties"]


@pytest.mark.parametrize(
    ("version", "view", "is_raised"),
    [
        ("1.0.0", "consumer", False),
        ("1.1.0", "consumer", False),
        ("2.0.0", "consumer", True),
        ("0.9.0", "consumer", False),
        ("v2", "consumer", True),
        ("later", "consumer", False),
        ("1.0.1", "producer", False),
        ("1.1.0", "producer", True),
    ],
)
def test_the_version_has_to_say_what_the_change_does(version: str, view: evolution.View, is_raised: bool) -> None:
    old, new = contract({"name": "a", "required": True}), contract({"name": "a"}, version=version)
    found = evolution.evolved("raw.csv", old, new)
    assert found.is_raised(view) is is_raised
    assert bool(found.version_told(view)) is not is_raised


def test_what_no_check_reads_asks_for_a_patch_and_nothing_for_nothing() -> None:
    old, new = document({"name": "a"}), document({"name": "a", "description": "the age"}, version="1.0.1", tags=["x"])
    told = prose.changes(old, new)
    found = evolution.evolved("raw.csv", contract({"name": "a"}), contract({"name": "a"}, version="1.0.1"), prose=told)
    assert {each.path for each in found.changes} == {"a.description", "tags"}
    assert (found.needed("consumer"), found.is_raised("consumer")) == ("patch", True)
    assert evolution.evolved("raw.csv", contract({"name": "a"}), contract({"name": "a"})).needed("consumer") == "none"


def test_prose_of_new_columns_and_the_order_of_lists_is_no_change_of_its_own() -> None:
    old = document({"name": "a", "tags": ["x", "y"]}, quality=[{"type": "text", "description": "d"}])
    new = document(
        {"name": "b", "description": "new"}, {"name": "a", "tags": ["y", "x"]}, quality=[{"description": "d", "type": "text"}]
    )
    assert prose.changes(old, new) == ()


def test_each_column_of_a_key_of_several_may_have_duplicates() -> None:
    found = contract({"name": "a", "primaryKey": True}, {"name": "b", "primaryKey": True})
    assert [each.columns for each in found.checks if each.kind == "unique"] == [("a", "b")]


def test_a_rule_that_is_new_is_no_prose_and_one_in_prose_is() -> None:
    rule = {"type": "sql", "id": "q", "query": "select 0", "mustBe": 0}
    assert prose.changes(document({"name": "a"}), document({"name": "a"}, quality=[rule])) == ()
    assert prose.changes(document({"name": "a"}), document({"name": "a", "quality": [rule]})) == ()
    told = prose.changes(document({"name": "a"}), document({"name": "a"}, quality=[{"type": "text", "description": "whole"}]))
    assert [(each.path, each.direction) for each in told] == [("quality", "untested")]
