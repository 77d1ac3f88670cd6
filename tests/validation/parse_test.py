"""Files of the Open Data Contract Standard: what is read of them, and how their faults are told."""

import importlib.resources
import json

import jsonschema
import pytest

from mlgit.errors import MlgitError
from mlgit.validation import parse
from mlgit.validation.contract import Limit
from tests.validation.kit import contract, document, read

EXAMPLE = """
apiVersion: v3.1.0
kind: DataContract
id: raw
version: 1.0.0
status: active
schema:
  - name: raw
    logicalType: object
    quality:
      - {metric: rowCount, mustBeGreaterOrEqualTo: 1000}
      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [tenant, order]}}
      - {type: sql, id: dates-in-order, query: "SELECT COUNT(*) FROM {object} WHERE shipped < ordered", mustBe: 0}
      - {type: text, description: is delivered every morning}
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: tenant, physicalName: TENANT, logicalType: string}
      - {name: order, logicalType: string, classification: restricted}
      - name: plan
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [a, b]}, mustBe: 0, severity: warning}]
      - name: email
        logicalType: string
        logicalTypeOptions: {pattern: '^[^@]+@[^@]+$'}
        quality: [{metric: nullValues, mustBeLessThan: 1, unit: percent}]
      - {name: label, logicalType: integer, customProperties: [{property: absentAtServing, value: true}]}
slaProperties: [{property: latency, value: 2, unit: d, element: raw.id}]
"""


def test_contract_is_spelled_out_as_checks():
    found = read(EXAMPLE.replace("[tenant, order]", "[TENANT, order]"))
    assert (found.id, found.version, found.table, found.status) == ("raw", "1.0.0", "raw", "active")
    kinds = {each.id: each.kind for each in found.checks if each.kind not in ("present", "type")}
    assert kinds == {
        "id.required": "required",
        "id.unique": "unique",
        "plan.invalidValues": "values",
        "email.pattern": "pattern",
        "email.nullValues": "missing",
        "raw.rowCount": "rows",
        "TENANT.duplicateValues": "duplicates",
        "dates-in-order": "query",
        "id.freshness": "freshness",
    }
    assert [each.path for each in found.columns] == ["id", "TENANT", "order", "plan", "email", "label"]
    assert [each.path for each in found.columns if each.is_absent_at_serving] == ["label"]
    assert found.has_private
    assert found.is_private("order")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"apiVersion": "v2.3.0"}, "apiVersion: 'v2.3.0' does not match"),
        ({"kind": "Contract"}, "kind: 'Contract' is not one of DataContract"),
        ({"verison": "1"}, "verison: unknown key, did you mean 'version'?"),
        ({"version": 1}, "version: expected text, found the number 1"),
        ({"schema": []}, "schema: no table, expected one"),
        ({"schema": [{"name": "a"}, {"name": "b"}]}, "schema: 2 tables, expected one"),
        ({"schema": [{"properties": []}]}, "schema[0].name: missing"),
    ],
)
def test_faults_of_the_document_are_told_with_their_place(change, said):
    with pytest.raises(MlgitError) as error:
        parse.parse(document() | change, name="raw.odcs.yaml")
    assert error.value.message.startswith(f"raw.odcs.yaml: {said}")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"name": "x", "logicaltype": "string"}, ".logicaltype: unknown key, did you mean 'logicalType'?"),
        ({"name": "x", "logicalType": "int"}, ".logicalType: 'int' is not one of"),
        ({"name": "x", "required": "yes"}, ".required: expected"),
        ({"logicalType": "string"}, ".name: missing"),
        ({"name": "x", "logicalTypeOptions": {"min": 1}}, ".logicalTypeOptions.min: unknown key"),
        (
            {"name": "x", "logicalType": "string", "logicalTypeOptions": {"minimum": 1}},
            ".logicalTypeOptions.minimum: 1 is no end",
        ),
        (
            {"name": "x", "logicalType": "integer", "logicalTypeOptions": {"minimum": "a"}},
            ".logicalTypeOptions.minimum: 'a' is no number",
        ),
        (
            {"name": "x", "logicalType": "integer", "logicalTypeOptions": {"multipleOf": 0}},
            ".logicalTypeOptions.multipleOf: 0 is not above 0",
        ),
        (
            {"name": "x", "quality": [{"metric": "nullvalues", "mustBe": 0}]},
            ".quality[0].metric: 'nullvalues' is no metric, did you mean",
        ),
        ({"name": "x", "quality": [{"metric": "nullValues"}]}, ".quality[0]: expected one of mustBe"),
        (
            {"name": "x", "quality": [{"metric": "nullValues", "mustBe": 0, "mustNotBe": 1}]},
            ".quality[0]: expected one of mustBe",
        ),
        ({"name": "x", "quality": [{"metric": "nullValues", "mustBe": "a"}]}, ".quality[0].mustBe: expected a number"),
        (
            {"name": "x", "quality": [{"metric": "nullValues", "mustBeBetween": [1]}]},
            ".quality[0].mustBeBetween: expected two numbers",
        ),
        (
            {"name": "x", "quality": [{"metric": "invalidValues", "mustBe": 0}]},
            ".quality[0].arguments: validValues or pattern is missing",
        ),
        ({"name": "x", "quality": [{"type": "sql", "mustBe": 0}]}, ".quality[0].query: missing"),
        (
            {"name": "x", "quality": [{"type": "custom", "engine": "soda", "implementation": "x"}]},
            ".quality[0]: rules of type custom",
        ),
        (
            {"name": "x", "quality": [{"metric": "duplicateValues", "mustBe": 0, "unit": "percent"}]},
            ".quality[0].unit: percent is not for",
        ),
        ({"name": "x", "enum": [{"label": "A"}]}, ".enum: an entry without `value`"),
        (
            {"name": "x", "quality": [{"type": "text", "metric": "nullValues", "mustBe": 0}]},
            ".quality[0].metric: no key of rules",
        ),
        (
            {"name": "x", "quality": [{"type": "library", "metric": "nullValues", "query": "x", "mustBe": 0}]},
            ".quality[0].query: no",
        ),
        (
            {"name": "x", "logicalType": "integer", "logicalTypeOptions": {"maximum": 10**400}},
            ".logicalTypeOptions.maximum: a number too large for floats is not",
        ),
        *(
            ({"name": "x", "quality": [{"mustBe": 0, "metric": metric, "arguments": given}]}, f".quality[0].arguments.{said}")
            for metric, given, said in (
                ("missingValues", {"missingvalues": ["-"]}, "missingvalues: unknown argument of missingValues, did you mean"),
                ("invalidValues", {"validValues": ["a"], "minLength": 3}, "minLength: unknown argument of invalidValues"),
                ("duplicateValues", {"properties": ["first"]}, "properties: the rule of one column counts in that alone"),
                ("rowCount", {"filter": "x > 1"}, "filter: unknown argument of rowCount"),
            )
        ),
        (
            {"name": "x", "quality": [{"metric": "nullValues", "mustNotBeBetween": [5, 1]}]},
            ".quality[0].mustNotBeBetween: nothing lies between 5 and 1",
        ),
        ({"name": "x", "items": {"logicalType": "integer", "unique": True}}, ".items.unique: what stands in a list is no key"),
        (
            {"name": "x", "items": {"logicalType": "integer", "quality": [{"metric": "duplicateValues", "mustBe": 0}]}},
            ".items.quality[0].metric: 'x[]' has many values in one row",
        ),
        (
            {"name": "x", "logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": True}},
            ".logicalTypeOptions.exclusiveMinimum: true, and there is no minimum",
        ),
        ({"name": "x", "logicalType": "number", "logicalTypeOptions": {"scale": 2}}, ".logicalTypeOptions.scale: unknown key"),
    ],
)
def test_faults_of_a_column_are_told_with_their_place(column, said):
    with pytest.raises(MlgitError) as error:
        contract({"name": "first"}, column)
    assert error.value.message.startswith(f"raw.odcs.yaml: schema[0].properties[1]{said}")


def test_column_that_is_there_twice_and_a_rule_of_no_column_are_refused():
    with pytest.raises(MlgitError, match="'x' is there twice"):
        contract({"name": "x"}, {"name": "y", "physicalName": "x"})
    rule = {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["plam", "x"]}}
    with pytest.raises(MlgitError, match="names 'plam', which is no column, did you mean 'plan'"):
        contract({"name": "plan"}, {"name": "x"}, quality=[rule])


def test_column_that_lies_within_itself_is_refused():
    columns = "&a [{name: x, properties: *a}]"
    text = f"{{apiVersion: v3.1.0, kind: DataContract, id: a, version: '1', schema: [{{name: a, properties: {columns}}}]}}"
    with pytest.raises(MlgitError, match=r"raw\.odcs\.yaml: schema: a column lies within itself"):
        read(text)


def test_words_of_version_3_0_are_read():
    rules = [{"rule": "duplicateCount", "mustBe": 0}, {"rule": "validValues", "validValues": ["a"], "mustBe": 0}]
    found = contract({"name": "x", "quality": rules}, apiVersion="v3.0.2")
    assert [each.kind for each in found.checks] == ["present", "duplicates", "values"]


def test_rules_of_one_name_have_names_of_their_own():
    found = contract({"name": "x", "quality": [{"metric": "nullValues", "mustBe": 0}] * 3})
    assert [each.id for each in found.checks[1:]] == ["x.nullValues", "x.nullValues-2", "x.nullValues-3"]


@pytest.mark.parametrize(
    ("limit", "holds", "fails"),
    [
        (Limit("mustBe", 2), [2], [1, 3]),
        (Limit("mustNotBe", 2), [1, 3], [2]),
        (Limit("mustBeGreaterThan", 2), [2.5], [2]),
        (Limit("mustBeGreaterOrEqualTo", 2), [2], [1.9]),
        (Limit("mustBeLessThan", 2), [1.9], [2]),
        (Limit("mustBeLessOrEqualTo", 2), [2], [2.1]),
        (Limit("mustBeBetween", 2, 4), [3], [2, 4, 5]),
        (Limit("mustNotBeBetween", 2, 4), [2, 4, 5], [3]),
    ],
)
def test_limits_hold_as_the_standard_says(limit, holds, fails):
    assert all(map(limit.holds, holds))
    assert not any(map(limit.holds, fails))


def test_every_key_of_the_official_schema_is_known():
    """The official schema of 3.2 as an oracle: a contract that has every key that it allows for a column and a rule is read."""
    official = json.loads((importlib.resources.files("open_data_contract_standard") / "schema.json").read_text())
    base, quality = official["$defs"]["SchemaBaseProperty"], official["$defs"]["DataQuality"]
    known = {key.name for key in parse.standard.COLUMN.keys}
    assert set(base["properties"]) | set(official["$defs"]["SchemaElement"]["properties"]) <= known
    assert set(quality["properties"]) <= {key.name for key in parse.standard.QUALITY.keys}
    assert set(official["properties"]) <= {key.name for key in parse.standard.SCHEMA.keys}
    jsonschema.validate(document({"name": "x", "logicalType": "string"}), official)


def test_dates_without_quotes_are_the_texts_that_they_were():
    asked = read(
        "apiVersion: v3.1.0\nkind: DataContract\nid: raw\nversion: 2026-01-02\nschema:\n- name: raw\n  properties:\n"
        "  - {name: day, logicalType: date, logicalTypeOptions: {minimum: 2020-01-01}, enum: [2026-01-02]}\n"
        "customProperties: &self\n- {property: this, value: *self}\n"
    )
    options = {each.kind: each.options for each in asked.checks}
    assert (asked.version, options["range"]) == ("2026-01-02", {"minimum": "2020-01-01"})
    assert options["values"] == {"values": ("2026-01-02",)}


@pytest.mark.parametrize(("unit", "seconds"), [("ms", 0.5), ("yr", 500 * 31556952)])
def test_freshness_is_promised_in_any_unit_of_the_standard(unit, seconds):
    promise = {"property": "latency", "value": 500, "unit": unit, "element": "store.day"}
    table = {"name": "raw", "physicalName": "store", "properties": [{"name": "day", "logicalType": "date"}]}
    asked = parse.parse(document() | {"schema": [table], "slaProperties": [promise]}, name="raw.odcs.yaml")
    assert next(each.options["seconds"] for each in asked.checks if each.kind == "freshness") == seconds


def test_freshness_is_promised_for_every_element():
    promise = {"property": "latency", "value": 5, "unit": "d", "element": "raw.day, raw.at"}
    asked = contract({"name": "day"}, {"name": "at"}, slaProperties=[promise])
    assert [each.id for each in asked.checks if each.kind == "freshness"] == ["day.freshness", "at.freshness"]
    with pytest.raises(MlgitError, match="are needed to see how fresh"):
        contract({"name": "day"}, slaProperties=[promise | {"element": "raw.day,"}])


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("", {"minItems": 1}, "minItems: the type of the values is missing"),
        ("", {"uniqueItems": True}, "uniqueItems: the type of the values is missing"),
        ("array", {"minLength": 1}, "minLength: no option of values of type array"),
        ("string", {"maxProperties": 1}, "maxProperties: no option of values of type string"),
        ("string", {"multipleOf": 2}, "multipleOf: no option of values of type string"),
        ("map", {"required": ["a"]}, "required: no option of values of type map"),
        ("date", {"timezone": True}, "timezone: no option of values of type date"),
        ("string", {"format": "emial"}, "format: 'emial' is no format of values of type string, did you mean 'email'?"),
        ("integer", {"format": "i65"}, "format: 'i65' is no format of values of type integer, did you mean"),
        ("", {"format": "email"}, "format: the type of the values is missing"),
        ("timestamp", {"format": "yyyy-MM-dd'Z'", "timezone": True}, "timezone: the format"),
        ("timestamp", {"defaultTimezone": "Europe/Berlin"}, "defaultTimezone: Europe/Berlin: times without a zone are read"),
    ],
)
def test_option_that_makes_no_rule_is_refused(kind, given, said):
    with pytest.raises(MlgitError) as error:
        contract({"name": "x", "logicalTypeOptions": given} | ({"logicalType": kind} if kind else {}))
    assert error.value.message.startswith(f"raw.odcs.yaml: schema[0].properties[0].logicalTypeOptions.{said}")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        *(("string", {"format": each}) for each in ("password", "byte", "email")),
        ("timestamp", {"format": "yyyy-MM-dd'T'HH:mm:ssXXX", "timezone": True, "defaultTimezone": "Etc/UTC"}),
        ("number", {"format": "f32"}),
    ],
)
def test_option_of_which_nothing_more_can_be_seen_is_read(kind, given):
    assert contract({"name": "x", "logicalType": kind, "logicalTypeOptions": given}).checks
