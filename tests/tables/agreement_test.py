"""The same rows are the same table in every format: rows, columns, kinds, values, digests, and what two tables share."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.tables.digests import MISSING_WORDS, row_digests
from mlgit.tables.formats import ENDINGS
from mlgit.tables.outline import measure
from mlgit.tables.overlap import TableFile, count
from mlgit.tables.profile import profile
from mlgit.tables.shape import Shape
from mlgit.tables.shared_rows import SharedRows
from tests.kit.late import Module
from tests.tables import written

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")

pd = Module("pandas")

# Words that pandas reads as missing are texts in formats with types; a text of blanks is no line of CSV.
_texts = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=5).filter(
    lambda text: text not in MISSING_WORDS and text.strip() and not _is_number(text) and text.lower() not in ("true", "false")
)
_columns = {
    "whole": st.integers(-(2**53), 2**53),
    "real": st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15),
    "word": _texts,
    "flag": st.booleans(),
    "gap": st.one_of(st.none(), st.floats(-9, 9)),
}
_TYPES = {"whole": pa.int64(), "real": pa.float64(), "word": pa.string(), "flag": pa.bool_(), "gap": pa.float64()}
_rows = st.lists(st.tuples(*_columns.values()), min_size=1, max_size=8)


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def described(path, content):
    """Kinds as far as every format knows them, missing values and known numbers."""
    found = profile(content, path=path)
    known = {name: each for name, each in found.columns.items() if not each.is_empty}
    kinds = {name: "number" if each.kind == "integer" else each.kind for name, each in known.items()}
    numbers = {name: each.numbers.tolist() for name, each in known.items() if each.numbers is not None}
    return found.rows, kinds, {name: each.missing for name, each in found.columns.items()}, numbers


def test_every_known_ending_is_written_here():
    assert {path.partition(".")[2] for path in written.every("a", [(1,)])} == set(ENDINGS)


@given(_rows, st.sampled_from([f"t.{ending}" for ending in ENDINGS]))
def test_same_rows_have_one_shape_one_profile_and_one_digest_each(rows, path):
    files = written.every(tuple(_columns), rows, _TYPES)
    assert measure(files[path], path=path) == measure(files["t.csv"], path="t.csv") == Shape(len(rows), tuple(_columns))
    assert described(path, files[path]) == described("t.csv", files["t.csv"])
    assert list(row_digests(files[path], path=path)) == list(row_digests(files["t.csv"], path="t.csv"))


@given(_rows, st.permutations(range(len(_columns))), st.data())
def test_rows_of_another_format_and_order_are_counted_like_those_of_a_set(rows, order, data):
    names = tuple(_columns)
    test = data.draw(st.lists(st.one_of(st.sampled_from(rows), st.tuples(*_columns.values())), min_size=1, max_size=5))
    train = written.every(names, rows, _TYPES)
    turned = written.every([names[at] for at in order], [tuple(row[at] for at in order) for row in test], _TYPES)
    pair = data.draw(st.sampled_from(sorted(train))), data.draw(st.sampled_from(sorted(turned)))
    expected = sum(any(row == other for other in rows) for row in test)
    found = count(*([file(path, files[path])] for path, files in zip(pair, (train, turned), strict=True)))
    assert (found.rows, found.of) == (expected, len(test))
    sides = ([file(path, files[path], size=1)] for path, files in zip(pair, (train, turned), strict=True))
    assert count(*sides) == found


def file(path, content, *, size=None):
    """A table whose rows are numbered first, unless its size is known and small."""
    return TableFile(path, lambda: io.BytesIO(content), size)


def digest(content, path="t.csv", **options):
    return list(row_digests(content if isinstance(content, bytes) else content.encode(), path=path, **options))


@pytest.mark.parametrize("same", ["1", "1.0", "1e0", '"1"', "1.", "10e-1"])
def test_number_counts_by_its_value(same):
    assert digest(f"a\n{same}\n") == digest('{"a": 1}', "t.jsonl") == digest('{"a": "1"}', "t.jsonl")


@pytest.mark.parametrize(
    ("one", "other"), [("007", "7"), ("1_0", "10"), ("+1", "1"), ("x", "X"), ("0.1", "0.10000000000000002")]
)
def test_texts_that_only_look_alike_are_different(one, other):
    assert digest(f"a\n{one}\n") != digest(f"a\n{other}\n")


@pytest.mark.parametrize("missing", ["", "NaN", "NA", "null", '""'])
def test_missing_value_is_like_a_column_that_is_not_there(missing):
    assert digest(f"a,b\n1,{missing}\n") == digest('{"a": 1}', "t.jsonl") == digest('[{"b": null, "a": 1.0}]', "t.json")
    assert digest(f"a,b\n1,{missing}\n") == digest("a,b\n1\n") == digest('{"a": 1, "b": NaN}', "t.jsonl")


def test_huge_whole_numbers_are_exact_and_what_no_double_holds_is_a_name():
    huge = "123456789012345678901234567890"
    assert digest(f"a\n{huge}\n") == digest(f'{{"a": {huge}}}', "t.jsonl")
    assert digest(f"a\n{huge}\n") != digest("a\n123456789012345678901234567891\n")
    assert digest("a\n1e400\n") != digest("a\n1e401\n")  # names, perhaps in hexadecimal digits: no double is that large
    assert digest("a\ninf\n") == digest('{"a": Infinity}', "t.jsonl")
    number = written.parquet("a", [(2**62 + 1,), (None,)])
    assert digest(number, "t.parquet") == digest(f"a,b\n{2**62 + 1},\n,\n")


def test_short_floats_decimals_times_and_lists_count_as_they_are_written():
    table = pa.table({"a": pa.array([0.1], pa.float32()), "b": pa.array(["2.50"]).cast(pa.decimal128(5, 2))})
    table = table.append_column("c", pa.array([pd.Timestamp("2024-01-02 03:04:05")])).append_column("d", pa.array([[1, 2]]))
    stream = io.BytesIO()
    pq.write_table(table, stream)
    assert digest(stream.getvalue(), "t.parquet") == digest('a,b,c,d\n0.1,2.5,2024-01-02 03:04:05,"[1, 2]"\n')


def test_column_that_names_rows_does_not_count():
    (found, one), (same, other) = *digest("id,a\n7,1\n", keys=("id",)), *digest("a,id\n1,8\n", keys=("id",))
    assert ([(found, "")], one, other) == (digest("a\n1\n"), "7", "8")
    assert found == same
    assert [key for _, key in digest(written.parquet(["id"], [(1,), (2,)]), "t.parquet", keys=("id",))] == ["1", "2"]


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "Unnamed: 7"])
def test_column_without_a_name_counts_rows_and_does_not_count_itself(name):
    assert digest(f"{name},a\n1,x\n") == digest(f"{name},a\n2,x\n") == digest("a\nx\n")
    assert digest("Unnamed: 0\n1\n") != digest("Unnamed: 0\n2\n")


def test_rows_are_found_by_name_too_unless_that_is_their_number():
    train, test = (
        [file("a.csv", b"id,x\nu1,5\nu2,6\nu9,7\n")],
        [file("b.jsonl", b'{"id": "u1", "x": 5.0}\n{"id": "u9", "x": 8}\n')],
    )
    assert count(train, test, keys=("id",)) == SharedRows(2, rows=1, ids=2, either=2)
    assert count(train, test, keys=()) == SharedRows(2, rows=1, either=1)
    for first in (0, 1):
        numbered = "".join(f"{first + each},{each + 10}\n" for each in range(3)).encode()
        assert count([file("a.csv", b"id,x\n0,1\n1,2\n2,3\n")], [file("b.csv", b"id,x\n" + numbered)], keys=("id",)).ids == 0


def test_rows_are_found_by_columns_that_name_them_together():
    keys = ("user", "day")
    rows = "user,day,x\na,1,5\na,2,6\nb,1,7\n"
    lines = b'{"user": "a", "day": 2, "x": 9}\n{"user": "b", "day": 2, "x": 9}\n{"user": "c", "day": null, "x": 5}\n'
    assert count([file("a.csv", rows.encode())], [file("b.jsonl", lines)], keys=keys) == SharedRows(3, rows=1, ids=1, either=2)
    parquet = written.parquet(["user", "day", "x"], [("a", 2, 9), ("c", 1, 9)])
    assert count([file("a.csv", rows.encode())], [file("b.parquet", parquet)], keys=keys).ids == 1
    many = rows + "".join(f"u{each},{each % 7},{each}\n" for each in range(40_000))
    other = "user,day,x\na,1,-1\nu5,5,-2\nu5,6,-3\n,1,-4\n" + "".join(f"v{each},1,-{each}9\n" for each in range(40_000))
    assert count([file("a.csv", many.encode())], [file("b.csv", other.encode())], keys=keys).ids == 2


def test_tables_with_different_columns_are_not_said_to_share_nothing():
    train, test = [file("a.csv", b"id,x,y\n1,2,3\n")], [file("b.jsonl", b'{"x": 2}\n')]
    with pytest.raises(MlgitError, match="training and test data have different columns, so no rows are the same: y"):
        count(train, test, keys=("id",))
    assert count(train, [file("b.jsonl", b'{"x": 2, "y": 4}\n')], keys=("id",)) == SharedRows(1)
    optional = [file("b.jsonl", b'{"x": 2}\n{"x": 2, "y": 3}\n')]
    assert count(train, optional, keys=("id",)) == SharedRows(2, rows=1, either=1)
    with pytest.raises(MlgitError, match=r"no/c\.csv: no such file"):
        count(train, [TableFile("no/c.csv", lambda: None)])


def test_index_that_pandas_keeps_in_a_parquet_file_is_no_column(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")})
    for name, rows in (("train.parquet", frame), ("test.parquet", frame.iloc[[2, 1]])):
        rows.to_parquet(tmp_path / name)
    train, test = ([file(name, (tmp_path / name).read_bytes())] for name in ("train.parquet", "test.parquet"))
    assert count(train, test) == SharedRows(2, rows=2, either=2)
    content = (tmp_path / "test.parquet").read_bytes()
    assert measure(content, path="t.parquet").columns == tuple(profile(content, path="t.parquet").columns) == ("a", "b")


@given(st.lists(st.sampled_from(["a", "a.1", "b", "", "Unnamed: 1"]), min_size=1, max_size=6))
def test_columns_without_a_name_of_their_own_are_called_as_pandas_calls_them(header):
    content = written.separated(header, [range(len(header))])
    expected = tuple(pd.read_csv(io.BytesIO(content), index_col=False).columns)
    assert measure(content, path="t.csv").columns == tuple(profile(content, path="t.csv").columns) == expected


@pytest.mark.parametrize(
    "content",
    [
        *("", "\n", "a,b\n", "\ufeffa,b\n1,2\n", "a,b\r\n1,2\r\n", 'a,b\n"x\r\ny",2\n\n \n3,"say ""hi"""\n', "a,b\n1\n,\n"),
        *("a,b\n1,2,\n3,4,\n", 'a\n""\n1\n', "a,b\r1,2\r3,4", 'a"x,b\n1"2,"x"y\n', "a,b\n1,2\n  ", "NA,nan\n1,2\n"),
    ],
)
def test_rows_of_outline_profile_digests_and_pandas_are_the_same(content):
    try:
        expected = len(pd.read_csv(io.StringIO(content, newline=""), index_col=False))
    except pd.errors.EmptyDataError:
        expected = 0
    assert measure(content.encode(), path="t.csv").rows == expected
    assert profile(content.encode(), path="t.csv").rows == expected
    assert len(digest(content)) == expected


def test_numbers_of_many_rows_are_those_that_pandas_reads():
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.normal(size=3000), "b": random.integers(0, 9, 3000).astype("float32") / 3})
    stream = io.BytesIO()
    frame.to_parquet(stream)
    files = {"t.csv": frame.to_csv(index=False).encode(), "t.parquet": stream.getvalue()}
    assert len({tuple(digest(content, path)) for path, content in files.items()}) == 1
    for path, content in files.items():
        assert np.allclose(profile(content, path=path).columns["a"].numbers, frame["a"], rtol=1e-15)


@pytest.mark.parametrize(
    ("one", "other"), [("7", "7.0"), ("1e0", "1"), ("True", "TRUE"), ("x", "x"), ("NA", ""), ("-0.0", "0")]
)
@pytest.mark.parametrize("more", ["z", "3", "True", "007", ""])
def test_rows_are_found_whatever_the_other_values_make_of_a_column(one, other, more):
    train, test = f"a,b\nz,{one}\n0,5\n".encode(), f"b\ta\n{other}\tz\n{more}\tq\n".encode()
    assert count([file("a.csv", train)], [file("b.tsv", test)]) == SharedRows(2, rows=1, either=1)


def test_names_in_hexadecimal_digits_are_no_numbers():
    names = ["123456789e012345", "123456789e099999", "0e12345678901234", "0e99999999999999", "0e12", "0e34"]
    train, test = ("id\n" + "\n".join([*names[at::2], "f0"]) for at in (0, 1))
    assert count([file("a.csv", train.encode())], [file("b.csv", test.encode())], keys=("id",)).ids == 1


def test_rows_that_only_seem_the_same_to_pandas_are_none():
    numbers = f"a\n007\n{2**60}\n1_0\n".encode()
    assert count([file("a.csv", numbers)], [file("b.csv", f"a\n7\n{2**60 + 1}\n10\n".encode())]) == SharedRows(3)
