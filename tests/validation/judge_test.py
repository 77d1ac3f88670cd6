"""Tables held against contracts: which rows break which rule, and what is never shown."""

import datetime
import json

import pytest

from mlgit.errors import MlgitError
from mlgit.validation import judge, source, table
from tests.kit.late import Module
from tests.validation.kit import broken, check, column, contract, found, options, places, write

pd = Module("pandas")
pa = Module("pyarrow")
pq = Module("pyarrow.parquet")

pytestmark = pytest.mark.slow


VALUES = {
    "integer": ("1", "-2", "+3", "007", "1.0", "123456789012345678901234567890"),
    "number": ("1", "1.5", "-1e-5", ".5", "5.", "inf", "1e400"),
    "boolean": ("true", "FALSE", "True", "0", "1"),
    "date": ("2026-01-02", "2026-1-2", "2026-01-02 00:00:00"),
    "timestamp": ("2026-01-02", "2026-01-02 03:04", "2026-01-02T03:04:05.123Z", "2026-01-02 03:04:05+02:00"),
    "time": ("03:04", "03:04:05", "03:04:05.5"),
    "string": ("a", "1", "true"),
    "object": ('{"a": 1}', "{}"),
    "array": ("[1]", "[]"),
}
WRONG = {
    "integer": ("1.5", "x", "1_000", "0x10", "inf", "1,000", "true", "--1"),
    "number": ("x", "1_000", "1,5", "0x10", "1 2", "--1"),
    "boolean": ("yes", "2", "t", "x"),
    "date": ("2026-02-30", "02/01/2026", "2026-01-02 03:04", "infinity", "epoch", "x"),
    "timestamp": ("2026-02-30 00:00", "infinity", "Infinity", " -inf", "Epoch", "01.02.2026", "x"),
    "time": ("25:00", "2026-01-02", "x"),
    "object": ("[1]", "x", "1"),
    "array": ('{"a": 1}', "x"),
}


def test_checks_end_with_their_time(tmp_path):
    parts = source.parts_of(str(write(tmp_path, "a,b\n1,2\n")), name="raw.csv")
    with pytest.raises(MlgitError, match=r"raw.csv: stopped after -?\d"):
        judge.judge(contract(column("a", "integer")), parts, data="raw.csv", seconds=-1)


@pytest.mark.parametrize("kind", list(VALUES))
def test_texts_are_of_a_type_where_they_can_be_read_as_it(tmp_path, kind):
    lines = [
        json.dumps(each) if kind not in ("object", "array") else f'"{each.replace(chr(34), chr(34) * 2)}"'
        for each in VALUES[kind]
    ]
    wrong = [f'"{each.replace(chr(34), chr(34) * 2)}"' for each in WRONG.get(kind, ())]
    path = write(tmp_path, "n,x\n" + "".join(f"0,{each}\n" for each in [*lines, "", "NA", *wrong]))
    result = check(path, contract(column("x", kind)))
    rows = sum(each.rows or 0 for each in result.findings)
    assert rows == len(wrong), places(result, "x.type")
    assert {value for _, value in places(result, "x.type")} <= set(WRONG.get(kind, ()))


@pytest.mark.parametrize(
    ("asked", "name", "lines"),
    [
        (column("x", "integer", required=True), "x.required", [4, 5]),
        (column("x", "integer", **options(minimum=0, maximum=9)), "x.range", [2, 6]),
        (column("x", "number", **options(exclusiveMinimum=7)), "x.range", [2, 3, 7]),
        (column("x", "integer", **options(minimum=7, exclusiveMinimum=True)), "x.range", [2, 3, 7]),
        (column("x", "integer", **options(multipleOf=7)), "x.multiple", [2, 6]),
        (column("x", "integer", unique=True), "x.unique", [3, 7]),
        (column("x", "string", **options(maxLength=1)), "x.length", [2, 6, 7]),
        (column("x", "string", **options(pattern="^[0-9]+$")), "x.pattern", [2]),
        (column("x", "integer", enum=[{"value": 7}, {"value": 10}]), "x.values", [2]),
        (
            column("x", quality=[{"metric": "invalidValues", "arguments": {"validValues": [7, 10]}, "mustBe": 0}]),
            "x.invalidValues",
            [2],
        ),
        (
            column("x", quality=[{"metric": "missingValues", "arguments": {"missingValues": [10]}, "mustBe": 0}]),
            "x.missingValues",
            [4, 6],
        ),
        (column("x", quality=[{"metric": "duplicateValues", "mustBe": 0}]), "x.duplicateValues", []),
    ],
)
def test_each_rule_names_the_lines_that_break_it(tmp_path, asked, name, lines):
    path = write(tmp_path, "n,x\n1,-1\n2,7\n3,\n4,nan\n5,10\n6,07\n")
    result = check(path, contract(asked))
    assert set(broken(result)) == ({name} if lines else set())
    assert [place for place, _ in places(result, name)] == lines


def test_numbers_are_held_against_limits(tmp_path):
    path = write(tmp_path, "n,x\n1,a\n2,a\n3,\n4,b\n")
    rows = [{"metric": "rowCount", "mustBeBetween": [3, 5]}, {"metric": "rowCount", "mustBeBetween": [4, 5]}]
    missing = [
        {"metric": "nullValues", "mustBeLessThan": 25, "unit": "percent"},
        {"metric": "nullValues", "mustBeLessOrEqualTo": 1},
    ]
    both = {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["n", "x"]}}
    result = check(path, contract(column("n"), column("x", quality=missing), quality=[*rows, both]))
    assert broken(result) == {"x.nullValues": ("fail", 1), "raw.rowCount-2": ("fail", None)}


def test_missing_column_fails_and_what_is_asked_of_it_cannot_pass(tmp_path):
    result = check(write(tmp_path, "n,x\n1,2\n"), contract(column("n"), column("y", "integer", required=True)))
    assert broken(result) == {"y.present": ("fail", 1 if found(result, "y.present").rows else None)} | {
        "y.type": ("invalid", None),
        "y.required": ("invalid", None),
    }
    assert (result.outcome, result.undeclared) == ("fail", ("x",))
    assert table.rows(result) == [("y", "there", "", "no such column")]


def test_failure_of_severity_warning_is_a_warning(tmp_path):
    rule = {"metric": "invalidValues", "arguments": {"validValues": ["a"]}, "mustBe": 0, "severity": "warning"}
    result = check(write(tmp_path, "n,x\n1,a\n2,b\n3,b\n"), contract(column("x", quality=[rule])))
    assert (result.outcome, broken(result)) == ("warn", {"x.invalidValues": ("warn", 2)})
    assert table.rows(result) == [("x", "warning: one of a", "2 (67 %)", "line 3: 'b' (2)")]


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ("SELECT count(*) FROM {object} WHERE shipped < ordered", "fail"),
        ("SELECT count(*) FROM raw WHERE amount > 10", "pass"),
        ("SELECT max(amount) FROM raw WHERE amount > 10", "invalid"),
        ("SELECT count(*) FROM raw WHERE nothing > 10", "invalid"),
        ("SELECT count(*) FROM read_text('/etc/passwd')", "invalid"),
        ("DELETE FROM raw", "invalid"),
    ],
)
def test_query_sees_columns_with_the_types_of_the_contract(tmp_path, query, outcome):
    path = write(tmp_path, "ordered,shipped,amount\n2026-01-09,2026-01-10,9\n2026-01-10,2026-01-09,10\n")
    columns = [column("ordered", "date"), column("shipped", "date"), column("amount", "integer")]
    result = check(path, contract(*columns, quality=[{"type": "sql", "id": "q", "query": query, "mustBe": 0}]))
    assert found(result, "q").outcome == outcome
    assert result.outcome == outcome


@pytest.mark.parametrize("number", ["NAN", "inf"])
@pytest.mark.parametrize("limit", [{"mustNotBe": 0}, {"mustNotBeBetween": [0, 1]}])
def test_query_that_gives_no_number_is_not_beyond_a_limit(tmp_path, limit, number):
    rule = {"type": "sql", "id": "q", "query": "SELECT avg(CAST(x AS DOUBLE)) FROM raw"} | limit
    result = check(write(tmp_path, f"n,x\n1,{number}\n2,2\n"), contract(column("x"), column("n"), quality=[rule]))
    assert found(result, "q").outcome == "invalid"


@pytest.mark.parametrize(("last", "outcome"), [(3, "pass"), (2, "fail")])
def test_whole_number_that_a_query_gives_counts_by_all_its_digits(tmp_path, last, outcome):
    rule = {"type": "sql", "id": "q", "query": "SELECT max(x) FROM raw", "mustBe": 9007199254740990 + last}
    result = check(write(tmp_path, "n,x\n1,9007199254740993\n"), contract(column("x", "integer"), quality=[rule]))
    assert found(result, "q").outcome == outcome


@pytest.mark.parametrize(("limit", "outcome"), [(0, "fail"), (50, "pass"), (49, "fail")])
def test_query_that_gives_percent_is_held_against_what_it_gives(tmp_path, limit, outcome):
    query = "SELECT 100 * count(*) FILTER (WHERE x > 1) / count(*) FROM raw"
    rule = {"type": "sql", "id": "q", "query": query, "mustBeLessOrEqualTo": limit, "unit": "percent"}
    result = check(write(tmp_path, "n,x\n1,1\n2,2\n"), contract(column("x", "integer"), quality=[rule]))
    assert (found(result, "q").outcome, found(result, "q").value) == (outcome, 50)


@pytest.mark.parametrize(("other", "outcome"), [("2026-01-01", "fail"), ("2026-11-28", "pass"), ("", "invalid")])
def test_row_that_is_dated_ahead_keeps_no_table_fresh(tmp_path, other, outcome):
    promise = {"property": "latency", "value": 2, "unit": "d", "element": "raw.at"}
    path = write(tmp_path, f"n,at\n1,2099-01-01\n2,{other}\n")
    now = datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC)
    assert (
        found(check(path, contract(column("at", "date"), slaProperties=[promise]), now=now), "at.freshness").outcome == outcome
    )


def test_half_of_a_surrogate_pair_is_one_sign(tmp_path):
    path = write(tmp_path, '{"x": "\\ud800"}\n{"x": "\\ud83d\\ude00"}\n{"x": "ab"}\n', "raw.jsonl")
    assert broken(check(path, contract(column("x", "string", **options(maxLength=1))))) == {"x.length": ("fail", 1)}


def test_freshness_is_that_of_the_newest_row(tmp_path):
    path = write(tmp_path, "n,ts\n1,2026-01-01T00:00:00Z\n2,2026-01-02T00:00:00Z\n")
    promised = {"property": "latency", "value": 2, "unit": "d", "element": "raw.ts"}
    asked = contract(column("ts", "timestamp"), slaProperties=[promised])
    now = datetime.datetime(2026, 1, 4, tzinfo=datetime.UTC)
    assert check(path, asked, now=now).outcome == "pass"
    late = check(path, asked, now=now + datetime.timedelta(seconds=1))
    assert broken(late) == {"ts.freshness": ("fail", None)}
    assert [each.check.kind for each in check(path, asked).findings] == ["present", "type"]


@pytest.mark.parametrize("form", ["", "yyyy-MM-dd"])
@pytest.mark.parametrize("word", ["Infinity", "-infinity", "EPOCH"])
def test_word_is_no_moment_that_keeps_a_table_fresh(tmp_path, word, form):
    path = write(tmp_path, f"n,ts\n1,2026-01-01\n2,{word}\n")
    promised = {"property": "freshness", "value": 2, "unit": "d", "element": "raw.ts"}
    asked = contract(column("ts", "timestamp", **(options(format=form) if form else {})), slaProperties=[promised])
    now = datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC)
    assert broken(check(path, asked, now=now)) == {"ts.type": ("fail", 1), "ts.freshness": ("fail", None)}


def test_key_that_no_object_has_is_missing_in_all(tmp_path):
    path = write(tmp_path, '{"a": 1}\n{"a": 2, "b": {}}\n', "raw.jsonl")
    rules = [{"metric": "nullValues", "mustBe": 0}, {"metric": "nullValues", "mustBeLessThan": 100, "unit": "percent"}]
    asked = contract(column("x", quality=rules), column("b", "object", properties=[column("c", quality=rules)]))
    assert broken(check(path, asked)) == {
        f"{name}.nullValues{number}": ("fail", 2) for name in ("x", "b.c") for number in ("", "-2")
    }


@pytest.mark.parametrize(
    ("items", "is_required", "outcome"),
    [
        ([[{"id": 1}], [{"id": 2}]], True, "fail"),
        ([[{"id": 1, "sku": None}], [{"id": 2}]], False, "pass"),
        ([[{"id": 1}]], False, "pass"),
        ([[], []], True, "pass"),
    ],
)
def test_key_that_no_item_of_the_lists_has_is_not_there(tmp_path, items, is_required, outcome):
    path = write(tmp_path, "".join(json.dumps({"v": each}) + "\n" for each in items), "raw.jsonl")
    inner = {"logicalType": "object", "properties": [column("sku", required=is_required)]}
    assert found(check(path, contract(column("v", "array", items=inner))), "v[].sku.present").outcome == outcome


@pytest.mark.parametrize(("name", "outcome"), [("id", "pass"), ("sku", "fail")])
def test_field_that_the_type_of_a_list_lacks_is_not_there(tmp_path, name, outcome):
    pq.write_table(pa.table({"v": [[{"id": 1}], []]}), tmp_path / "raw.parquet")
    inner = {"logicalType": "object", "properties": [column(name)]}
    result = check(tmp_path / "raw.parquet", contract(column("v", "array", items=inner)))
    assert found(result, f"v[].{name}.present").outcome == outcome


@pytest.mark.parametrize(
    ("asked", "name", "rows"),
    [
        (column("x", **options(minimum=0)), "x.range", 2),
        (column("x", **options(multipleOf=2)), "x.multiple", 2),
        (column("x", "integer", **options(format="i8", minimum=0)), "x.range", 2),
        (column("o", "object", **options(minProperties=1)), "o.length", 1),
        (column("o", "map", **options(maxProperties=1)), "o.length", 1),
        (column("o", "object", **options(required=["a"])), "o.a.required", 1),
        (column("t", "timestamp", **options(timezone=True)), "t.timezone", 2),
        (column("t", "timestamp", **options(timezone=False)), "t.timezone", 1),
    ],
)
def test_options_of_a_column_are_looked_at_with_or_without_its_type(tmp_path, asked, name, rows):
    lines = [
        *("n,x,o,t", '1,abc,"{""a"": 1}",2026-01-02', "2,-1,{},2026-01-02 03:04:05"),
        '3,300,"{""a"": 1, ""b"": 2}",2026-01-02T03:04:05+02:00',
    ]
    result = check(write(tmp_path, "\n".join([*lines, "4,,,"]) + "\n"), contract(asked))
    assert broken(result)[name] == ("fail", rows)


def test_keys_of_parquet_and_json_are_counted(tmp_path):
    maps = pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64()))
    pq.write_table(pa.table({"m": maps, "s": [{"a": 1, "b": 2}] * 2}), tmp_path / "raw.parquet")
    few = [column("m", "map", **options(minProperties=1)), column("s", "object", **options(maxProperties=1))]
    assert broken(check(tmp_path / "raw.parquet", contract(*few))) == {"m.length": ("fail", 1), "s.length": ("fail", 2)}
    path = write(tmp_path, '{"m": {"a": 1}, "s": {}}\n{"m": {}, "s": {"a": 1, "b": null}}\n', "raw.jsonl")
    assert broken(check(path, contract(*few))) == {"m.length": ("fail", 1), "s.length": ("fail", 1)}


def test_value_that_is_long_or_holds_controls_is_shown_short(tmp_path):
    path = write(tmp_path, f"n,x\n1,{'y' * 500}\n")
    ((_, value),) = places(check(path, contract(column("x", "integer"))), "x.type")
    assert len(value) == 60


def test_lines_are_those_of_the_file_with_cells_over_several_lines(tmp_path):
    path = write(tmp_path, 'n,x\n1,"a\nb\n\nc"\n2,7\n\n3,"\n"\n4,x\n')
    result = check(path, contract(column("x", "integer")))
    assert sorted(place for place, _ in places(result, "x.type")) == [2, 8, 10]


def test_places_in_a_folder_name_the_part(tmp_path):
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw", "n,x\n1,1\n", "1.csv")
    write(tmp_path / "raw", "n,x\n2,2\n3,x\n", "2.csv")
    result = check(tmp_path / "raw", contract(column("x", "integer"), column("n", "integer", unique=True)))
    assert [(each.part, each.place) for each in found(result, "x.type").samples] == [("raw/2.csv", 3)]


@pytest.mark.parametrize("name", ["raw.parquet", "raw.jsonl"])
def test_types_of_a_file_that_has_them_are_those_of_the_file(tmp_path, name):
    frame = pd.DataFrame({"i": [1, 2], "f": [1.0, 2.5], "s": ["1", "x"], "b": [True, False]})
    path = tmp_path / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_json(path, orient="records", lines=True)
    right = {"i": ("integer", "number"), "f": ("number",), "s": ("string",), "b": ("boolean",)}
    for column_name, kinds in right.items():
        for kind in ("integer", "number", "string", "boolean", "date", "array", "object"):
            result = check(path, contract(column(column_name, kind)))
            assert (result.outcome == "pass") == (kind in kinds), (column_name, kind)
    assert broken(check(path, contract(column("f", "integer")))) == {"f.type": ("fail", 1)}


def test_nested_and_decimal_types_of_parquet(tmp_path):
    from decimal import Decimal

    rows = {
        "money": pa.array([Decimal("1.50"), Decimal("-2.00"), None], pa.decimal128(9, 2)),
        "place": pa.array([{"zip": "1", "n": 1}, {"zip": None, "n": -1}, None]),
        "tags": pa.array([["a", "b"], ["a", "a"], []]),
        "when": pa.array([datetime.datetime(2026, 1, 1)] * 3, pa.timestamp("us")),
        "day": pa.array([datetime.date(2026, 1, 1)] * 3),
    }
    path = tmp_path / "raw.parquet"
    pq.write_table(pa.table(rows), path)
    asked = contract(
        column("money", "number", **options(minimum=0)),
        column(
            "place", "object", properties=[column("zip", "string", required=True), column("n", "integer", **options(minimum=0))]
        ),
        column(
            "tags", "array", items={"logicalType": "string", **options(pattern="a")}, **options(uniqueItems=True, minItems=1)
        ),
        column("when", "timestamp", **options(minimum="2026-01-02")),
        column("day", "date", **options(maximum="2026-01-01")),
    )
    assert broken(check(path, asked)) == {
        "money.range": ("fail", 1),
        "place.zip.required": ("fail", 2),
        "place.n.range": ("fail", 1),
        "tags.length": ("fail", 1),
        "tags.items": ("fail", 1),
        "tags[].pattern": ("fail", 1),
        "when.range": ("fail", 3),
    }


def test_key_of_objects_may_be_lacking_unless_it_is_required(tmp_path):
    path = write(tmp_path, '{"a": 1}\n{"a": 2, "b": {"c": null}}\n', "raw.jsonl")
    free = contract(column("a", "integer"), column("x", "integer"), column("b", "object", properties=[column("c", "integer")]))
    assert check(path, free).outcome == "pass"
    assert broken(check(path, contract(column("x", required=True))))["x.present"][0] == "fail"


def test_pattern_that_the_engine_does_not_know_cannot_pass(tmp_path):
    result = check(
        write(tmp_path, "n,x\n1,ab\n"), contract(column("x", "string", **options(pattern="a(?=b)")), column("n", "integer"))
    )
    assert broken(result) == {"x.pattern": ("invalid", None)}
    assert result.outcome == "invalid"


def test_names_of_columns_may_hold_anything(tmp_path):
    names = ['a "b"', "it's", "x.y", "select", "é ü", "row", "part", "c0", "a[0]"]
    path = tmp_path / "raw.csv"
    pd.DataFrame({name: [1, 2] for name in names}).to_csv(path, index=False)
    result = check(path, contract(*(column(name, "integer", required=True, **options(minimum=2)) for name in names)))
    assert broken(result) == {f"{name}.range": ("fail", 1) for name in names}


def test_empty_table_has_no_rows_that_break_anything_but_its_columns_are_looked_for(tmp_path):
    asked = contract(
        column("n", "integer", required=True, unique=True), quality=[{"metric": "rowCount", "mustBeGreaterThan": 0}]
    )
    assert broken(check(write(tmp_path, "n,x\n"), asked)) == {"raw.rowCount": ("fail", None)}
    assert broken(check(write(tmp_path, ""), asked))["n.present"][0] == "fail"


def test_file_of_another_form_is_refused(tmp_path):
    with pytest.raises(MlgitError, match="more fields"):
        check(write(tmp_path, "n,x\n1,2,3\n"), contract(column("n")))


@pytest.mark.parametrize("sign", [1, -1])
def test_rows_with_nan_are_found_though_the_statistics_of_parquet_leave_it_out(tmp_path, sign):
    rows = pa.table({"x": pa.array([1.0, sign * float("nan"), 3.0, 9.0])})
    pq.write_table(rows, tmp_path / "raw.parquet")
    query = {"type": "sql", "id": "nans", "query": "SELECT COUNT(*) FROM raw WHERE isnan(x)", "mustBe": 0}
    asked = contract(column("x", "number", required=True, **options(maximum=3)), quality=[query])
    result = check(tmp_path / "raw.parquet", asked)
    assert broken(result) == {"x.required": ("fail", 1), "x.range": ("fail", 1), "nans": ("fail", None)}
    assert places(result, "x.required") == [(2, "nan")]
    assert places(result, "x.range") == [(4, "9.0")]


@pytest.mark.parametrize("missing", [7, 14, 28, 29, 55, 56, 57])
def test_share_of_exactly_the_limit_is_at_most_it(tmp_path, missing):
    lines = ["n,x", *(f"{row},{'' if row < missing else 1}" for row in range(100))]
    rule = {"metric": "nullValues", "unit": "percent", "mustBeLessOrEqualTo": missing}
    asked = contract(column("x", quality=[rule, rule | {"mustBeLessOrEqualTo": missing - 1}]))
    assert broken(check(write(tmp_path, "\n".join(lines)), asked)) == {"x.nullValues-2": ("fail", missing)}
