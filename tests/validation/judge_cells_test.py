"""Values that are nearly right: written otherwise than the contract says, or told apart by less than a float can."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.kit.late import Late
from tests.validation.kit import broken, check, column, contract, options, places, write

pyarrow = Late("pyarrow")
parquet = Late("pyarrow.parquet")


def stored(folder, values, kind):
    path = folder / "raw.parquet"
    parquet.write_table(pyarrow.table({"x": pyarrow.array(values, kind())}), path)
    return path


@pytest.mark.parametrize(
    ("kind", "form", "right", "wrong"),
    [
        (
            "date",
            "dd/MM/yyyy",
            ("01/02/2026", " 01/02/2026 "),
            ("01/02/26", "1/2/2026", "2026-02-01", "31/02/2026", "01/02/2026x"),
        ),
        ("date", "d.M.yy", ("1.2.26", "01.02.26"), ("1.2.2026", "1-2-26")),
        (
            "timestamp",
            "yyyy-MM-dd'T'HH:mm:ssXXX",
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+02:00"),
            ("2026-01-02T3:4:5Z",),
        ),
        ("timestamp", "dd MMM yyyy HH:mm", ("02 Jan 2026 03:04",), ("02 01 2026 03:04", "2 Jan 2026 03:04")),
        ("time", "HH:mm", ("03:04",), ("3:04", "03:04:05", "25:00")),
    ],
)
def test_moment_is_written_as_its_form_says(tmp_path, kind, form, right, wrong):
    path = write(tmp_path, "n,x\n" + "".join(f"0,{each}\n" for each in (*right, *wrong)))
    result = check(path, contract(column("x", kind, **options(format=form))))
    assert sorted(value for _, value in places(result, "x.type")) == sorted(wrong)


def test_moments_of_one_form_are_one_key(tmp_path):
    asked = column("x", "timestamp", unique=True, **options(format="dd.MM.yyyy HH:mmXXX"))
    result = check(write(tmp_path, "n,x\n1,01.02.2026 03:00Z\n2,01.02.2026 05:00+02:00\n"), contract(asked))
    assert broken(result) == {"x.unique": ("fail", 1)}


def test_fraction_beyond_floats_is_no_whole_number(tmp_path):
    numbers = ("9007199254740993.5", "9007199254740993", "9007199254740993.0", "1e20")
    result = check(write(tmp_path, "n,x\n" + "".join(f"0,{each}\n" for each in numbers)), contract(column("x", "integer")))
    assert places(result, "x.type") == [(2, numbers[0])]
    path = stored(tmp_path, [Decimal("9007199254740993.50"), Decimal("9007199254740993.00")], lambda: pyarrow.decimal128(20, 2))
    assert broken(check(path, contract(column("x", "integer")))) == {"x.type": ("fail", 1)}


def test_float_of_32_bits_is_held_against_the_same_float(tmp_path):
    path = stored(tmp_path, [0.1, 0.7, 0.25, 0.8], pyarrow.float32)
    asked = column("x", "number", **options(minimum=0.1, maximum=0.7, multipleOf=0.1))
    assert broken(check(path, contract(asked))) == {"x.range": ("fail", 1), "x.multiple": ("fail", 1)}


def test_signs_of_a_boolean_are_one_value(tmp_path):
    path = write(tmp_path, "n,x\n1,1\n2,TRUE\n3,true\n4,0\n")
    assert broken(check(path, contract(column("x", "boolean", unique=True)))) == {"x.unique": ("fail", 1)}
    assert places(check(path, contract(column("x", "boolean", enum=[True]))), "x.values") == [(5, "0")]
    path = write(tmp_path, "n,x\n1,True\n2,false\n3,no\n")
    assert places(check(path, contract(column("x", enum=[True, False]))), "x.values") == [(4, "no")]


def test_word_for_missing_that_is_null_is_no_text(tmp_path):
    rule = {"metric": "missingValues", "arguments": {"missingValues": [None, "-"]}, "mustBe": 0}
    path = stored(tmp_path, ["None", "-", None], pyarrow.string)
    assert broken(check(path, contract(column("x", "string", quality=[rule])))) == {"x.missingValues": ("fail", 2)}


def test_properties_are_required_of_objects_that_are_there(tmp_path):
    asked = contract(column("x", "object", **options(required=["b"])))
    path = write(tmp_path, '{"x": {"b": 1}}\n{"x": null}\n{}\n{"x": {}}\n{"x": {"b": null}}\n', "raw.jsonl")
    assert broken(check(path, asked)) == {"x.b.required": ("fail", 2)}
    assert check(write(tmp_path, '{"y": 1}\n', "raw.jsonl"), asked).outcome == "pass"
    kinds = (lambda: pyarrow.struct({"b": pyarrow.int64()}), lambda: pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    for kind, none in zip(kinds, ({"b": None}, [("c", 1)]), strict=True):
        path = stored(tmp_path, [none, None, {"b": 1} if isinstance(none, dict) else [("b", 1)]], kind)
        assert broken(check(path, asked)) == {"x.b.required": ("fail", 1)}


def test_value_under_a_name_of_a_map_is_looked_at(tmp_path):
    path = stored(tmp_path, [[("b", 9)], [("c", 9)], None], lambda: pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    inner = column("b", "integer", **options(maximum=3))
    assert broken(check(path, contract(column("x", "object", properties=[inner])))) == {"x.b.range": ("fail", 1)}


def test_addresses_of_version_6_are_so_to_the_letter(tmp_path):
    long = ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4")
    right = ("::", "::1", "1::", "fe80::1:2", "::ffff:1.2.3.4", *long)
    wrong = (":::::", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7:8::", "::1.2.3", "g::")
    path = write(tmp_path, "n,x\n" + "".join(f"0,{each}\n" for each in (*right, *wrong)))
    result = check(path, contract(column("x", "string", **options(format="ipv6"))))
    assert broken(result) == {"x.format": ("fail", len(wrong))}
    assert {value for _, value in places(result, "x.format")} <= set(wrong)


def test_number_is_no_float_of_32_bits_that_none_is_as_large_as(tmp_path):
    path = write(tmp_path, "n,x\n1,3.4028234663852886e38\n2,-1e39\n")
    assert places(check(path, contract(column("x", "number", **options(format="f32")))), "x.range") == [(3, "-1e39")]


def test_zero_is_one_key_whatever_its_sign(tmp_path):
    asked = contract(column("x", "number", unique=True))
    for name, text in (("raw.csv", "n,x\n1,0\n2,-0.0\n"), ("raw.jsonl", '{"x": 0}\n{"x": -0.0}\n')):
        assert broken(check(write(tmp_path, text, name), asked)) == {"x.unique": ("fail", 1)}
    assert broken(check(stored(tmp_path, [0.0, -0.0], pyarrow.float64), asked)) == {"x.unique": ("fail", 1)}


@pytest.mark.parametrize(
    ("items", "rows"),
    [("[1, 1.0]", 1), ("[0, -0.0]", 1), ('["a", "\\u0061"]', 1), ('[1, "1"]', None), ("[true, 1]", None), ("[null, 1]", None)],
)
def test_items_of_json_are_the_same_by_value_and_kind(tmp_path, items, rows):
    path = write(tmp_path, f'{{"a": {items}}}\n', "raw.jsonl")
    assert broken(check(path, contract(column("a", "array", **options(uniqueItems=True))))) == (
        {"a.items": ("fail", rows)} if rows else {}
    )


def test_missing_item_of_a_list_is_one_item(tmp_path):
    path = tmp_path / "raw.parquet"
    parquet.write_table(pyarrow.table({"a": [[None, 1], [None, None], [1, 1]]}), path)
    asked = contract(column("a", "array", **options(uniqueItems=True)))
    assert places(check(path, asked), "a.items") == [(2, "[NULL, NULL]"), (3, "[1, 1]")]
