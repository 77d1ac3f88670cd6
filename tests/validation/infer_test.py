"""What is drafted for a column, by its values and its name."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files

import pytest

from mlgit.commands.data_infer import look
from mlgit.validation.infer import infer
from tests.kit import write_tree
from tests.validation.drafts import broken, column, document, drafted, kept, written


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "40000000000000000000"], "integer"),
        (["1", "2.5", "1e-3"], "number"),
        (["1.0", "2.0", ""], "number"),  # whole numbers beside missing ones, as pandas writes them
        (["NaN", "NULL", "7"], "integer"),
        (["01234", "56789", "10115"], "string"),  # postcodes
        (["+4930123", "+4930456", "+1"], "string"),
        (["1,234", "5,678", "9,999"], "string"),
        (["0", "1", "1"], "integer"),
        (["True", "false", "TRUE"], "boolean"),
        (["yes", "no", "yes"], "string"),
        (["2024-01-31", "2024-02-01", "1999-12-31"], "date"),
        (["31/12/2024", "01/02/2024", "02/01/2024"], "string"),  # which of both is the month?
        (["2024-01-31T10:00:00", "2024-01-31", "2024-01-31 10:00:00+02:00"], "timestamp"),
        (["10:30", "23:59:59", "00:00"], "time"),
        (["1", "a", "2.5"], "string"),
        (["NA", "", "null"], None),
        (["12E03", "101E010031", "7"], "string"),  # signs of products
        (["1E5", "2e14", "3E7"], "string"),
        (["100000", "1e5", "250"], "integer"),
        (["1e+16", "0.5"], "number"),
        (["01.11", "62.01"], "string"),  # branches of trade
        (["0.5", "-0.25", "0"], "number"),
        (["2024-01-31 00:00:00", "2024-02-01T00:00"], "timestamp"),  # the next one may not be midnight
        (["2024/01/31", "2024/02/01"], "timestamp"),
        (["1-2-3", "12-10-5"], "string"),  # sections, which DuckDB takes for days of the first century
        (["3/4/5", "11/12/10"], "string"),
        (["41 10 1"], "string"),
    ],
)
def test_type_is_the_narrowest_of_all_values(tmp_path, values, kind):
    assert column(tmp_path, values).get("logicalType") == kind


def test_what_is_missing_in_no_row_of_three_hundred_is_required(tmp_path):
    assert column(tmp_path, ["a"] * 300)["required"] is True
    assert "required" not in column(tmp_path, ["a"] * 299)
    assert "required" not in column(tmp_path, ["a"] * 400 + ["NA"])


def test_observed_extremes_are_no_bounds(tmp_path):
    values = [40 + (place * 7919 % 61) for place in range(400)]
    assert column(tmp_path, values)["logicalTypeOptions"] == {"minimum": 0}
    assert "logicalTypeOptions" not in column(tmp_path, [each - 50 for each in values])


def test_shares_lie_between_0_and_1(tmp_path):
    values = [f"{place / 999:.4f}" for place in range(1000)]
    assert column(tmp_path, values)["logicalTypeOptions"] == {"minimum": 0, "maximum": 1}


def test_levels_that_come_again_and_again_are_valid_values(tmp_path):
    rule = {"metric": "invalidValues", "mustBe": 0, "severity": "warning"}
    found = column(tmp_path, ["a", "b", "on", "1"] * 40)
    assert found["quality"] == [{**rule, "arguments": {"validValues": ["1", "a", "b", "on"]}}]
    assert column(tmp_path, [0, 1] * 60)["quality"][0]["arguments"] == {"validValues": [0, 1]}
    assert "quality" not in column(tmp_path, ["a", "b"] * 60 + ["c"] * 4)
    assert "quality" not in column(tmp_path, [f"v{place % 51}" for place in range(510)])


@pytest.mark.parametrize("name", ["email", "Last Name", "customerPhone", "home_address", "dateOfBirth"])
def test_levels_of_what_may_be_private_are_not_written(tmp_path, name):
    assert "quality" not in column(tmp_path, ["Ada", "Bob"] * 60, name)


@pytest.mark.parametrize(
    "values",
    [
        ["2024-01"],
        ["2024-01", "2024-02"],
        ["20240131T10", "20240201T10"],
        ["31.01.2024", "01.02.2024"],
        ["1 Jan 24", "2 Jan 24"],
        ["2023Q4", "2024Q1"],
        ["Jan 2024", "Feb 2024"],
        [2022, 2023, 2024],
        ["run-17"],
    ],
)
def test_what_tells_a_batch_from_the_next_has_no_levels(tmp_path, values):
    assert "quality" not in column(tmp_path, values * 150)


@pytest.mark.parametrize("values", [["0.0", "1.0"], ["0.0", "1.0", ""], ["0", "1e0"]])
def test_classes_stay_classes_where_gaps_made_them_fractions(tmp_path, values):
    assert column(tmp_path, values * 100)["quality"][0]["arguments"] == {"validValues": [0, 1]}


def test_counts_have_no_levels(tmp_path):
    found = column(tmp_path, [0] * 200 + [1] * 60 + [2] * 20 + [3] * 10)
    assert found == {"name": "x", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0}}


def test_id_is_unique_and_a_foreign_one_is_not_said_to_be(tmp_path):
    numbers = [str(place * 7919 % 100_003) for place in range(400)]
    path = written(tmp_path / "orders.csv", {"order_id": numbers, "customer_id": numbers, "id": numbers, "note": numbers})
    found = [each.get("unique", False) for each in drafted(path).values()]
    assert found == [True, False, True, False]
    declared = document(path, ids={"note"})["schema"][0]["properties"][-1]
    assert declared["unique"] is True


def test_first_column_is_no_key_by_a_few_rows(tmp_path):
    few, many = ({"customer_id": [each * 7919 for each in range(rows)]} for rows in (299, 300))
    assert "unique" not in drafted(written(tmp_path / "a.csv", few))["customer_id"]
    assert drafted(written(tmp_path / "b.csv", many))["customer_id"]["unique"] is True


def test_half_of_the_rows_have_to_come(tmp_path):
    path = written(tmp_path / "a.csv", {"x": range(41)})
    assert document(path)["schema"][0]["quality"] == [{"metric": "rowCount", "mustBeGreaterOrEqualTo": 20}]


def test_draft_holds_no_value_of_a_row(tmp_path):
    secret = [f"secret{place}" for place in range(400)]
    path = written(tmp_path / "a.csv", {"id": secret, "text": secret, "price": [f"{place}.77" for place in range(400)]})
    text = json.dumps(document(path))
    assert "secret" not in text
    assert ".77" not in text


FILES = {
    "quirks.csv": '\ufeffid,"na me","x.y","q""t",ü,a,a\r\n1,"l1\nl2",3,4,NULL,7,8\r\n2,"x,y",3.5,NaN,z,9,9\r\n',
    "tab.tsv": "a\tb\n1\tx\n",
    "lines.jsonl": '{"a": 1, "b": {"c": [1, 2]}}\n{"a": 2.5, "d": null}\n',
    "list.json": '[{"a": 1}, {"a": "x"}]',
    "control.csv": 'a\tb,"c\nd",\x1b[31m\n1,2,3\n',
    "parts/one.csv": "a,b\n1,x\n",
    "parts/two.csv": "b,c\ny,2024-01-01\n",
}


@pytest.mark.parametrize("name", ["quirks.csv", "tab.tsv", "lines.jsonl", "list.json", "control.csv", "parts", "packed.csv.gz"])
def test_every_table_keeps_its_own_draft(tmp_path, name):
    write_tree(tmp_path, FILES)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(FILES["quirks.csv"].encode()))
    assert kept(tmp_path / name, document(tmp_path / name)).outcome == "pass"


def test_nested_and_decimal_types_of_parquet_are_named(tmp_path):
    from decimal import Decimal

    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    rows = {"d": [Decimal("1.50"), None], "s": [{"x y": 1}, {"x y": 2}], "l": [[1.5], []], "b": [b"\x00", b"\xff"]}
    parquet.write_table(pyarrow.table(rows), path)
    found = drafted(path)
    assert found["d"] == {"name": "d", "logicalType": "number"}
    assert found["s"]["properties"] == [{"name": "x y", "logicalType": "integer"}]
    assert found["l"]["items"] == {"logicalType": "number"}
    assert found["b"] == {"name": "b"}
    assert kept(path, document(path)).outcome == "pass"


def test_fields_that_no_path_names_are_left_out(tmp_path):
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"s": [{"a.b": 1, "c[]": 2, "d'e": 3}], "t": [{"a.b": 1}]}), path)
    found = drafted(path)
    assert found["s"]["properties"] == [{"name": "d'e", "logicalType": "integer"}]
    assert found["t"] == {"name": "t", "logicalType": "object"}
    assert kept(path, document(path)).outcome == "pass"


def test_column_of_gaps_has_no_type_but_one_that_its_file_was_told(tmp_path):
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    types = {"gaps": pyarrow.float64(), "nothing": pyarrow.null(), "whole": pyarrow.int64()}
    parquet.write_table(pyarrow.table({name: pyarrow.array([None], kind) for name, kind in types.items()}), path)
    assert [each.get("logicalType") for each in drafted(path).values()] == [None, None, "integer"]
    assert any("'gaps' and 'nothing'" in each or "'gaps', 'nothing'" in each for each in infer(look(str(path)), name="a").notes)


@pytest.mark.parametrize("version", ["v3.1.0", "v3.2.0"])
def test_draft_is_valid_under_the_official_schema(tmp_path, version):
    from jsonschema import validators

    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    path = write_tree(tmp_path, FILES) / "quirks.csv"
    for each in (path, written(tmp_path / "b.csv", {"id": range(400), "k": ["a", "b"] * 200, "n": range(400)})):
        errors = list(validators.validator_for(schema)(schema).iter_errors({**document(each), "apiVersion": version}))
        assert errors == []


def test_every_rule_names_the_cells_of_a_batch_that_breaks_it(tmp_path):
    rows = {"id": range(400), "amount": [1 + place % 90 for place in range(400)], "plan": ["a", "b"] * 200}
    found = document(written(tmp_path / "a.csv", rows))
    worse = {"id": [0, *range(399)], "amount": [-5, "x", *range(5, 403)], "plan": ["c", "", *["a", "b"] * 199]}
    assert broken(written(tmp_path / "b.csv", worse), found) == {
        "id.unique": 1,
        "amount.type": 1,
        "amount.range": 1,
        "plan.required": 1,
        "plan.invalidValues": 1,
    }
