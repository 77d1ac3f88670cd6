"""Values of classified columns: in nothing that is told of a table."""

import json

import pytest

from mlgit.validation import table
from tests.validation.kit import check, column, contract, found, options, places, write

pytestmark = pytest.mark.slow


def test_values_of_a_classified_column_are_never_shown(tmp_path):
    secret = "s3cr3t"
    rules = [{"metric": "invalidValues", "arguments": {"validValues": ["hidden-level"]}, "mustBe": 0}]
    private = column("name", "integer", unique=True, classification="restricted", quality=rules, **options(pattern="x"))
    queries = [f"SELECT {word} FROM raw" for word in ("max(name)", "max(name::INTEGER)", "count(*)", "max(COLUMNS(*))")]
    quality = [{"type": "sql", "query": each, "mustBe": -1} for each in queries]
    path = write(tmp_path, f"n,name\n1,{secret}\n2,{secret}\n")
    result = check(path, contract(column("n"), private, quality=quality))
    shown = repr([(each.outcome, each.value, each.reason, each.samples, each.check.condition) for each in result.findings])
    shown += repr(table.rows(result))
    assert secret not in shown
    assert "hidden-level" not in shown
    assert places(result, "name.type") == [(2, None), (3, None)]
    assert [each.value for each in result.findings if each.check.kind == "query"] == [None, None, 2, None]


@pytest.mark.parametrize("path", ["p.age", "p.tags", "p.deep[].n", "id"])
def test_cell_is_shown_without_what_lies_beside_it(tmp_path, path):
    deep = [column("n", "integer", **options(minimum=0)), column("pin", classification="pii")]
    inner = [
        column("age", "integer", **options(minimum=0)),
        column("mail", classification="pii"),
        column("tags", "array", items={"logicalType": "string", **options(pattern="x")}),
        column("deep", "array", items={"logicalType": "object", "properties": deep}),
    ]
    row = {"id": "y", "p": {"age": -3, "mail": "bob@s", "tags": ["a"], "deep": [{"n": -1, "pin": "bob@s"}]}}
    asked = contract(column("id", "integer"), column("p", "object", properties=inner))
    result = check(write(tmp_path, json.dumps(row), "raw.jsonl"), asked)
    shown = {"p.age": "-3", "p.tags": '["a"]', "p.deep[].n": None, "id": "y"}
    (value,) = {
        text for each in result.broken if each.check.columns[0].startswith(path) for _, text in places(result, each.check.id)
    }
    assert value == shown[path]
    assert "bob" not in repr(result.findings)


@pytest.mark.parametrize("name", ["salary", "SALARY"])
def test_query_shows_nothing_of_a_classified_column_however_it_is_spelled(tmp_path, name):
    rule = {"type": "sql", "id": "q", "query": f"SELECT max({name}) FROM raw", "mustBe": 0}
    asked = contract(column("salary", "integer", classification="secret"), quality=[rule])
    result = check(write(tmp_path, "n,Salary\n1,4711\n"), asked)
    assert found(result, "q").value is None
    assert "4711" not in repr(result.findings)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT max(mail::INT) FROM raw",
        "SELECT max(c::INT) FROM raw AS t(x, c)",
        "SELECT max(length(raw::VARCHAR)) FROM raw",
        "SELECT sum(x::INT) FROM (SELECT unnest([*COLUMNS(*)]) AS x FROM raw)",
        "SELECT error(c) FROM raw AS t(x, c)",
    ],
)
def test_number_of_a_query_is_no_way_to_see_a_classified_column(tmp_path, query):
    rules = [{"type": "sql", "id": "q", "query": query, "mustBe": -1}]
    asked = contract(column("x", "string"), column("mail", "string", classification="secret"), quality=rules)
    finding = found(check(write(tmp_path, "x,mail\n1,81733\n"), asked), "q")
    assert finding.value is None
    assert "81733" not in finding.reason


def test_number_of_a_query_that_needs_no_classified_column_is_shown(tmp_path):
    rules = [{"type": "sql", "id": "q", "query": "SELECT count(*) FROM {object} WHERE {object}.x = '1'", "mustBe": 0}]
    asked = contract(column("x", "string"), column("mail", "string", classification="secret"), quality=rules)
    assert found(check(write(tmp_path, "x,mail\n1,81733\n"), asked), "q").value == 1


def test_pattern_that_is_none_is_told_of_a_classified_column(tmp_path):
    asked = contract(column("b", "string", classification="secret", **options(pattern="(")))
    assert "missing )" in found(check(write(tmp_path, "a,b\n1,x\n"), asked), "b.pattern").reason


def test_first_row_that_is_taken_for_the_header_is_not_shown(tmp_path):
    result = check(write(tmp_path, "s3cr3t,1\ns3cr3t,2\n"), contract(column("name", classification="pii"), column("n")))
    assert "s3cr3t" not in repr((result.undeclared, result.findings))


def test_column_that_may_be_a_classified_one_is_shown_by_no_query(tmp_path):
    rule = {"type": "sql", "id": "q", "query": "SELECT max(pay::INTEGER) FROM raw", "mustBe": 0}
    asked = contract(column("salary", classification="pii"), column("n"), quality=[rule])
    result = check(write(tmp_path, "n,pay\n1,4711\n"), asked)
    assert found(result, "q").outcome == "fail"
    assert "4711" not in repr(result.findings)
