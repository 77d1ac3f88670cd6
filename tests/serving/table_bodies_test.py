from __future__ import annotations

import datetime
import decimal
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgit.serving import table_bodies
from mlgit.serving.inputs import InputColumn, Inputs
from mlgit.serving.rows import RefusedRequestError, Rows
from tests.kit import FULL
from tests.kit.late import Module

pa, pq, pd = Module("pyarrow"), Module("pyarrow.parquet"), Module("pandas")

NOTHING = Inputs()


def csv(body: bytes | str, *, types: dict[str, str] | None = None, limit: int = 20) -> Rows:
    """The rows of a CSV, of which these columns are declared."""
    inputs = Inputs(tuple(InputColumn(name, kind) for name, kind in (types or {}).items()))
    return table_bodies.of_csv(body.encode() if isinstance(body, str) else body, limit=limit, inputs=inputs)


def parquet(columns: dict[str, Any], *, limit: int = 20, compression: str = "snappy", **options: Any) -> Rows:
    """The rows of a Parquet file with these columns."""
    return table_bodies.of_parquet(written(columns, compression=compression, **options), limit=limit)


def written(columns: dict[str, Any], *, compression: str = "snappy", **options: Any) -> bytes:
    """A Parquet file."""
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, compression=compression, **options)
    return target.getvalue()


def test_header_names_the_columns():
    assert csv("a,b\n1,2.5\n3,-1e3\n") == Rows(("a", "b"), [(1, 2.5), (3, -1000.0)])


def test_fields_may_be_quoted_and_hold_separators_and_line_ends():
    assert csv('a,"b,c"\r\n"x,""y""","1\n2"\r\n') == Rows(("a", "b,c"), [('x,"y"', "1\n2")])


def test_byte_order_mark_and_empty_lines_are_passed_over():
    assert csv(b"\xef\xbb\xbfa\n\n1\n\n2\n") == Rows(("a",), [(1,), (2,)])


def test_column_is_of_numbers_where_all_its_values_are():
    assert csv("a,b,c\n1,1,true\nx,,False\n") == Rows(("a", "b", "c"), [("1", 1, True), ("x", None, False)])


def test_declared_text_stays_text():
    assert csv("a,b\n007,2026-01-31\n,\n", types={"a": "string", "b": "date"}) == Rows(
        ("a", "b"), [("007", "2026-01-31"), (None, None)]
    )


def test_declared_number_is_one_where_it_looks_like_one():
    assert csv("a,b\n007,1\nx,2.5\nNaN,\n", types={"a": "number", "b": "integer"}).data == [(7, 1), ("x", 2.5), (None, None)]


def test_declared_boolean_is_one_where_it_looks_like_one():
    assert csv("a\ntrue\nFALSE\n1\n", types={"a": "boolean"}).data == [(True,), (False,), ("1",)]


@pytest.mark.parametrize("field", ["1_000", " 1", "1 ", "inf", "Infinity", "1e999", "0x10", "١", "1e", "--1", "."])
def test_what_only_looks_like_a_number_is_text(field):
    assert csv(f"a,b\n{field},x\n").data == [(field, "x")]


def test_integer_is_exact():
    assert csv("a\n123456789012345678\n").data == [(123456789012345678,)]
    assert csv("a\n1234567890123456789012\n").data == [(1234567890123456789012.0,)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"a\n",
        b"a,a\n1,2\n",
        b"a,b\n1\n",
        b"a\n1,2\n",
        b'a\n"1\n',
        b'a\n"1"2\n',
        b"a\n\xff\n",
        b"a,b\n1,\x002\n",
        b"\x00",
    ],
)
def test_what_is_no_table_is_refused(body):
    with pytest.raises(RefusedRequestError) as caught:
        csv(body)
    assert caught.value.status == 400


def test_csv_with_more_rows_than_allowed_is_refused():
    with pytest.raises(RefusedRequestError, match="more than the 20 rows") as caught:
        csv("a\n" + "1\n" * 21)
    assert caught.value.status == 413


def test_csv_of_pandas_is_read_as_it_was_written():
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x, y", "z"], "c": [True, False], "d": [1, 2]})
    rows = csv(frame.to_csv())
    assert rows.columns == ("", "a", "b", "c", "d")
    assert rows.data == [(0, 1.5, "x, y", True, 1), (1, None, "z", False, 2)]


def test_parquet_is_read_by_type():
    moment = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
    rows = parquet(
        {
            "integer": [1, None],
            "number": [1.5, float("nan")],
            "single": pa.array([0.5, None], pa.float32()),
            "text": ["x", None],
            "bytes": [b"x", None],
            "flag": [True, None],
            "day": [moment.date(), None],
            "moment": [moment, None],
            "decimal": [decimal.Decimal("1.25"), None],
            "category": pa.array(["x", None]).dictionary_encode(),
        }
    )
    assert list(rows.data[0]) == [
        *(1, 1.5, 0.5, "x", "x", True, "2026-01-31", "2026-01-31T12:00:00+00:00", 1.25, "x"),
    ]
    assert set(rows.data[1]) == {None}


def test_parquet_of_pandas_has_its_index_as_one_more_column():
    target = io.BytesIO()
    pd.DataFrame({"a": [1]}, index=["x"]).to_parquet(target)
    assert set(table_bodies.of_parquet(target.getvalue(), limit=20).columns or ()) == {"a", "__index_level_0__"}


@pytest.mark.parametrize(
    "columns",
    [{"a": [[1]]}, {"a": [{"b": 1}]}, {"a": [{"b": [1]}]}, {"a": [datetime.timedelta(1)]}, {"a": [b"\xff"]}, {"a": []}],
)
def test_parquet_that_is_not_flat_is_refused(columns):
    with pytest.raises(RefusedRequestError) as caught:
        parquet(columns)
    assert caught.value.status == 400


def test_parquet_with_more_rows_than_allowed_is_refused():
    with pytest.raises(RefusedRequestError, match="more than the 20 rows") as caught:
        parquet({"a": range(21)})
    assert caught.value.status == 413


@pytest.mark.parametrize("compression", ["gzip", "zstd", "brotli", "lz4"])
def test_parquet_in_a_compression_that_may_make_gigabytes_is_refused(compression):
    with pytest.raises(RefusedRequestError) as caught:
        parquet({"a": [1]}, compression=compression)
    assert caught.value.status == 415


def test_parquet_in_a_compression_that_does_not_exist_is_refused():
    # Asked for its name, pyarrow ends the process.
    footer = bytes([0x49, 0x1C, 0x19, 0x1C, 0x3C, 0x45, 0x7F, 0, 0, 0, 0])
    with pytest.raises(RefusedRequestError):
        table_bodies.of_parquet(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1", limit=20)


@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "DELTA_BYTE_ARRAY"])
def test_text_that_a_file_repeats_is_not_repeated_in_memory(encoding):
    options: dict[str, Any] = {} if encoding == "RLE_DICTIONARY" else {"use_dictionary": False, "column_encoding": encoding}
    body = written({"a": ["x" * 300_000] * 100}, **options)
    assert len(body) < 50_000
    usual = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counting)
    try:
        with pytest.raises(RefusedRequestError, match="far larger"):
            table_bodies.of_parquet(body, limit=1000)
    finally:
        pa.set_memory_pool(usual)
    assert 0 < counting.max_memory() < 6_000_000


def test_parquet_cut_or_changed_anywhere_is_read_or_refused():
    body = written({"a": [1, 2], "b": ["x", "yy"], "c": [1.5, None]})
    step = 1 if FULL else 7
    for at in range(0, len(body), step):
        for changed in (
            body[:at],
            body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :],
            body[:at] + b"\xff\xff\xff\xff\x7f" + body[at:],
        ):
            try:
                table_bodies.of_parquet(changed, limit=20)
            except RefusedRequestError:
                continue


@settings(max_examples=3000 if FULL else 300)
@given(st.text('ab,\n"\r 1.é\x00', max_size=40).map(str.encode) | st.binary(max_size=40))
def test_any_bytes_are_a_table_or_refused(body):
    for read in (csv, lambda each: table_bodies.of_parquet(each, limit=20), lambda each: csv(b"a,b\n" + each)):
        try:
            rows = read(body)
        except RefusedRequestError:
            continue
        assert rows.columns is not None
        assert {len(row) for row in rows.data} == {len(rows.columns)}
