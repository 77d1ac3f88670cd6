"""What contracts that ask much, and data that DuckDB stumbles over, do to what is told and to the time and memory it takes."""

import json
import resource

import pytest

from mlgit.validation import document as documents
from mlgit.validation import parse, table
from tests.validation.kit import check, column, contract, document, found, options, write

pytestmark = pytest.mark.slow


def test_column_whose_name_begins_like_a_declared_one_is_not_declared(tmp_path):
    result = check(write(tmp_path, "a,ab\n1,2\n"), contract(column("ab")))
    assert result.undeclared == ("a",)


def test_places_are_named_for_as_many_broken_rules_as_are_listed(tmp_path):
    rules = [{"metric": "invalidValues", "arguments": {"validValues": [str(each)]}, "mustBe": 0} for each in range(150)]
    result = check(write(tmp_path, "x,y\nno,1\n"), contract(column("x", quality=rules)))
    assert sum(bool(each.samples) for each in result.broken) == 100
    assert all(each.rows == 1 for each in result.broken)


@pytest.mark.full
def test_a_thousand_columns_with_a_rule_each_stay_within_memory(tmp_path):
    names = [f"c{number}" for number in range(1000)]
    path = write(tmp_path, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert check(path, contract(*(column(each, "integer", **options(minimum=0)) for each in names))).outcome == "pass"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 << 10


def test_object_and_property_of_a_query_are_names_whatever_they_hold(tmp_path):
    rules = [
        {"type": "sql", "id": f"q{form}", "query": f"SELECT count(*) FROM {form[0]} WHERE {form[1]} > 1", "mustBe": 1}
        for form in (("{object}", "{property}"), ('"${table}"', '"${column}"'), ('"my-raw"', '"order"'))
    ]
    asked = document(column("order", "integer", quality=rules))
    asked["schema"][0]["name"] = "my-raw"
    result = check(write(tmp_path, "order\n1\n2\n"), parse.parse(asked, name="raw.odcs.yaml"))
    assert result.outcome == "pass", [each.reason for each in result.findings]


@pytest.mark.parametrize(
    "line", [b"1,SECRET\xff1\n", b'1,"SECRET"1\n', b"1,SECRET\r2,SECRET\n", b'1,"SECRET\xff1\n"\n', b"1,SECRET,\n"]
)
def test_line_that_duckdb_stumbles_over_is_looked_at_and_not_shown(tmp_path, line):
    (tmp_path / "raw.csv").write_bytes(b"a,b\n" + line)
    rules = [{"query": "SELECT count(DISTINCT b) FROM raw", "mustBe": 0}]
    secret = column("b", "string", classification="secret", unique=True, **options(maxLength=2))
    result = check(tmp_path / "raw.csv", contract(column("a", "integer"), secret, quality=rules))
    assert result.outcome == "fail"
    assert not any(each.outcome == "invalid" for each in result.findings)
    assert "SECRET" not in json.dumps(documents.document(result)) + str(table.rows(result))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'x\n""\nno\n', 3),
        (b"x,y\r\r1,2\rno,2\r", 4),
        (b'\n\nx,y\n"1\n\n",2\nno,2\n', 7),
        (b"x,y\n" + b"1" * 200_000 + b",2\nno,2\n", 3),
        (b'\xef\xbb\xbf"x\ny",z\n1,2\nno,2\n', 4),
    ],
)
def test_line_of_a_cell_is_that_of_the_file_whatever_is_before_it(tmp_path, content, line):
    (tmp_path / "raw.csv").write_bytes(content)
    name = "x\ny" if b'"x' in content else "x"
    result = check(tmp_path / "raw.csv", contract(column(name, "string", **options(pattern="^([^n]|$)"))))
    assert [(each.place, each.value) for each in found(result, f"{name}.pattern").samples] == [(line, "no")]
