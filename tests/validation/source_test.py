"""What DuckDB reads is what every other reader of tables reads."""

import gzip
import json
import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlgit.adapters.duckdb.session import QueryError
from mlgit.errors import MlgitError
from mlgit.tables import formats, separated
from mlgit.tables.digests import MISSING_WORDS
from mlgit.validation import source
from tests.kit import FULL
from tests.kit.late import Module

duckdb = Module("duckdb")
pd = Module("pandas")

pytestmark = pytest.mark.slow


def rows_of(path, *, name="data"):
    """Names, and the cells of each row as they stand in the file; None for one that is missing."""
    parts = source.parts_of(str(path), name=name)
    try:
        return _rows(parts, anew=False)
    except QueryError:
        return _rows(parts, anew=True)


def _rows(parts, *, anew):
    with source.opened(parts, anew=anew) as (duck, table):
        columns = ", ".join([each.sql for each in table.columns.values()] or ["1"])
        found = duck.rows(f"SELECT row, {columns} FROM ({table.relation()}) ORDER BY part, row")
    assert [each[0] for each in found] == list(range(1, len(found) + 1))
    return tuple(table.columns), [each[1:] if table.columns else () for each in found]


def expected(path):
    """The same from the reader that digests and leakage use."""
    names, found = separated.rows(path.read_bytes(), table=formats.known(path.name), most=1 << 30)
    width = len(names)
    cells = [[*row, *[""] * (width - len(row))] for row in found]
    return names, [tuple(None if each in MISSING_WORDS else each for each in row) for row in cells]


CELLS = st.text(alphabet="ab1 ,\"\t\r\né\ufeff.#'\\-", max_size=4) | st.sampled_from(["NA", "nan", "null", "1", "", "x"])


@settings(max_examples=1500 if FULL else 40, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
@example([["a", "b"], ["1", "2"], [""], ["3", "4"]], "\n", False)
@example([["a"], [""], ["1"]], "\n", False)
@example([[""], ["a", "b"], ["1", "2"]], "\n", False)
def test_texts_of_any_kind_are_read_as_by_the_other_readers(tmp_path_factory, rows, end, quoted):
    path = tmp_path_factory.mktemp("data") / "data.csv"
    lines = [",".join(_written(each, quoted=quoted) for each in row) for row in rows]
    path.write_bytes(end.join([*lines, ""]).encode())
    try:
        wanted = expected(path)
    except MlgitError as error:
        if "more fields" not in error.message:  # DuckDB takes what is behind the last column, where it is empty
            with pytest.raises(MlgitError):
                rows_of(path)
        return
    assert rows_of(path) == wanted


def _written(cell, *, quoted):
    return '"' + cell.replace('"', '""') + '"' if quoted or set(cell) & set(',"\r\n') else cell


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        (b"", (), []),
        (b"a,b\n", ("a", "b"), []),
        (b"a,b", ("a", "b"), []),
        (b"\xef\xbb\xbfa,b\n1,2\n", ("a", "b"), [("1", "2")]),
        (b'"a","b"\r\n1,"x\r\ny"\r\n', ("a", "b"), [("1", "x\r\ny")]),
        (b"a,a,A\n1,2,3\n", ("a", "a.1", "A"), [("1", "2", "3")]),
        (b"a,,b\n1,2,3\n", ("a", "Unnamed: 1", "b"), [("1", "2", "3")]),
        (b"a,b\n1,2,\n3,4,\n", ("a", "b"), [("1", "2"), ("3", "4")]),
        (b"a,b\n1\n3,4\n", ("a", "b"), [("1", None), ("3", "4")]),
        (b"\n\na,b\n\n1,2\n\n", ("a", "b"), [("1", "2")]),
        (b"a\n1\n\n2\n", ("a",), [("1",), ("2",)]),
        (b"a,b\n\xff,2\n", ("a", "b"), [("\ufffd", "2")]),
        (b"a,b\nNA,nan\nNULL,<NA>\nNone,n/a\n,x\n", ("a", "b"), [(None, None)] * 3 + [(None, "x")]),
        (b"a,b\n123456789012345678901234567890,007\n", ("a", "b"), [("123456789012345678901234567890", "007")]),
        (b"a,b\n# no comment,1\n", ("a", "b"), [("# no comment", "1")]),
        (b"a;b\n1;2\n", ("a;b",), [("1;2",)]),
        (b'a,b\nx"y,2\n', ("a", "b"), [('x"y', "2")]),
    ],
)
def test_every_quirk_of_csv_is_read_as_by_the_other_readers(tmp_path, content, names, rows):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    assert rows_of(path) == (names, rows) == expected(path)
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(content))
    assert rows_of(packed) == (names, rows)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("d.csv", b"a,b\n1,2,3\n", "more fields than there are columns"),
        ("d.csv", b'a,b\n1,"2\n', "a quote is opened and not closed"),
        ("d.csv", b"a\0,b\n1,2\n", "NUL"),
        ("d.csv.gz", b"no gzip", "no gzip"),
        ("d.jsonl", b'{"a": 1}\n[1]\n', "line 2 is no JSON object"),
        ("d.json", b'{"a": 1}', "no list of JSON objects"),
        ("d.parquet", b"PAR1 not", "d.parquet: "),
        ("d.txt", b"a", "no table"),
    ],
)
def test_what_is_no_table_is_refused_by_its_name(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MlgitError, match=said) as error:
        rows_of(tmp_path / name, name=name)
    assert error.value.message.startswith(name)


def test_ten_thousand_columns_are_read(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(",".join(f"{prefix}{number}" for number in range(10_000)) for prefix in ("c", "", "1")) + "\n")
    with source.opened(source.parts_of(str(path), name="data")) as (duck, table):
        assert len(table.columns) == 10_000
        assert duck.rows(f"SELECT {table.columns['c9999'].sql} FROM ({table.relation(['c9999'])})") == [("9999",), ("19999",)]


def test_parts_with_differing_columns_are_one_table_by_their_names(tmp_path):
    folder = tmp_path / "parts"
    (folder / "sub").mkdir(parents=True)
    (folder / "1.csv").write_text("a,b\n1,2\n")
    (folder / "2.csv").write_text("b,c\n3,4\n")
    (folder / "sub" / "3.csv").write_text("a\n5\n")
    (folder / "_SUCCESS").write_text("")
    (folder / "README").write_text("")
    parts = source.parts_of(str(folder), name="data")
    assert [each.name for each in parts] == ["data/1.csv", "data/2.csv", "data/sub/3.csv"]
    with source.opened(parts) as (duck, table):
        found = duck.rows(f"SELECT part, row, c0, c1, c2 FROM ({table.relation()}) ORDER BY part")
    assert tuple(table.columns) == ("a", "b", "c")
    assert found == [(0, 1, "1", "2", None), (1, 1, None, "3", "4"), (2, 1, "5", None, None)]


def test_parquet_parts_of_several_number_types_are_numbers(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    pd.DataFrame({"x": [1, 2]}).to_parquet(folder / "1.parquet")
    pd.DataFrame({"x": [0.5]}).to_parquet(folder / "2.parquet")
    with source.opened(source.parts_of(str(folder), name="data")) as (duck, table):
        assert table.columns["x"].type == "DOUBLE"
        assert duck.rows(f"SELECT c0 FROM ({table.relation()}) ORDER BY part, row") == [(1.0,), (2.0,), (0.5,)]


def parts_of_types(folder, *selects):
    """A folder with a Parquet part for each SELECT."""
    folder.mkdir()
    for place, select in enumerate(selects):
        duckdb.sql(f"COPY ({select}) TO '{folder / f'{place}.parquet'}' (FORMAT parquet)")
    return source.parts_of(str(folder), name="data")


@pytest.mark.parametrize(
    ("values", "common"),
    [
        (("1::DECIMAL(10,2)", "2::DECIMAL(12,2)"), "DECIMAL(12,2)"),
        (("1::UBIGINT", "2::BIGINT"), "HUGEINT"),
        (("1::BIGINT", "2::DECIMAL(12,2)"), "DECIMAL(21,2)"),
        (("16777217::INTEGER", "2::FLOAT"), "DOUBLE"),
        (("{'a': 1::INTEGER}", "{'a': 2::BIGINT}"), "STRUCT(a BIGINT)"),
        (("{'a': 1, 'b': 'x'}", "{'a': 2::BIGINT, 'c': 3}"), "STRUCT(a BIGINT, b VARCHAR, c INTEGER)"),
        (("[{'a': 1}]", "[{'a': 2.5::DOUBLE}]"), "STRUCT(a DOUBLE)[]"),
        (("MAP {'a': 1}", "MAP {'a': 2::BIGINT}"), "MAP(VARCHAR, BIGINT)"),
        (("DATE '2024-01-01'", "TIMESTAMP '2024-01-02 03:04:05'"), "TIMESTAMP"),
        (("true", "2"), "VARCHAR"),
        (("{'a': true}", "{'a': 2}"), "VARCHAR"),
        (("DATE '2024-01-01'", "2"), "VARCHAR"),
        (("[1]", "'x'"), "VARCHAR"),
        (("{'a': 1}", "'x'"), "VARCHAR"),
    ],
)
def test_parts_of_several_types_have_the_narrowest_that_holds_them(tmp_path, values, common):
    parts = parts_of_types(tmp_path / "parts", *(f"SELECT {each} AS x" for each in values))
    with source.opened(parts) as (duck, table):
        assert table.columns["x"].type == common
        assert len(duck.rows(f"SELECT c0 FROM ({table.relation()}) WHERE c0 IS NOT NULL")) == 2


@pytest.mark.parametrize(("whole", "other"), [("BIGINT", "DOUBLE"), ("UBIGINT", "FLOAT"), ("DECIMAL(38,0)", "DECIMAL(38,10)")])
def test_numbers_that_no_type_holds_beside_those_of_other_parts_are_refused(tmp_path, whole, other):
    value = "9" * 38 if "38" in whole else "9007199254740993"
    parts = parts_of_types(tmp_path / "parts", f"SELECT {value}::{whole} AS x", f"SELECT 0.25::{other} AS x")
    with pytest.raises(MlgitError, match=r"data/\d.parquet: column 'x' is .* cannot hold"), source.opened(parts):
        pass


def test_objects_keep_their_types_and_differ_in_their_keys(tmp_path):
    path = tmp_path / "data.jsonl"
    lines = [{"a": 1, "A": "x"}, {"a": None, "b/~": [1, {"c": 2}]}, {"a": float("nan")}]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    names, rows = rows_of(path)
    assert names == ("a", "A", "b/~")
    assert rows == [("1", '"x"', None), ("null", None, '[1,{"c":2}]'), ("null", None, None)]


def test_file_that_is_a_link_is_read(tmp_path):
    (tmp_path / "object").write_text("a,b\n1,2\n")
    (tmp_path / "data.csv").symlink_to(tmp_path / "object")
    assert rows_of(tmp_path / "data.csv") == (("a", "b"), [("1", "2")])


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl", "data.parquet", "data.csv.gz", "parts/1.csv"])
def test_pipe_or_device_is_refused_and_not_waited_for(tmp_path, name):
    (tmp_path / "parts").mkdir()
    os.mkfifo(tmp_path / name)
    path = tmp_path / name.partition("/")[0]
    with pytest.raises(MlgitError, match="device, pipe or socket"):
        rows_of(path)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(MlgitError, match="device, pipe or socket"):
        rows_of(path)
