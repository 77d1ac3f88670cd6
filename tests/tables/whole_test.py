"""All columns of a table, whatever its format: Arrow sees in a CSV file what pandas sees in it."""

from __future__ import annotations

import gzip
import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics.rows import Coded
from mlgit.tables import arrow_columns, arrow_csv, formats, whole
from tests.kit.late import Module

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")

CSV = formats.known("x.csv")
# Numbers as people and programs write them, words for missing values, times, and what only looks like one of these.
_NUMBERS = [
    "1",
    "-3",
    "+4",
    "007",
    "1.5",
    "5.",
    ".5",
    "1e5",
    "1E-3",
    "0.30000000000000004",
    "1e400",
    "inf",
    "Infinity",
    " 1",
    "-0",
]
_WORDS = ["", "NA", "nan", "NaN", "None", "null", "N/A", "NAN", "-nan"]
_TEXTS = [
    "a",
    " a",
    "é",
    "true",
    "True",
    "FALSE",
    "TRUE ",
    "2026-05-03",
    "2026-05-03 10:00",
    "12:30",
    "0x10",
    "-",
    '"q,1"',
    '"x""y"',
]
_cells = st.sampled_from([*_NUMBERS, *_WORDS, *_TEXTS, '"l1\nl2"', '""', "9223372036854775807"])


@st.composite
def _tables(draw):
    width = draw(st.integers(2, 4))
    pools = [draw(st.lists(_cells, min_size=1, max_size=3)) for _ in range(width)]
    rows = draw(st.lists(st.tuples(*map(st.sampled_from, pools)), min_size=1, max_size=6))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join([",".join("abcd"[:width]), *map(",".join, rows), ""]).encode()


def _listed(values):
    return [None if each is None or each != each else each for each in np.asarray(values).tolist()]


def _is_same(mine, theirs):
    """Equal values of one kind; pandas may be a unit in the last place off."""
    if isinstance(mine, float | int) and isinstance(theirs, float | int) and not isinstance(mine, bool):
        return mine == pytest.approx(theirs, rel=4e-16) and not isinstance(theirs, bool)
    return mine == theirs and type(mine) is type(theirs)


@given(_tables(), st.sampled_from([(), ("a",)]), st.sampled_from([(), ("b",)]))
def test_arrow_sees_what_pandas_sees_or_leaves_it_to_pandas(tmp_path_factory, content, texts, literal):
    found = arrow_csv.read(content, table=CSV, texts=texts, literal=literal)
    if found is None:
        return
    path = tmp_path_factory.getbasetemp() / "one.csv"
    path.write_bytes(content)
    with open(path, "rb") as stream:
        theirs = whole._of_pieces(stream, ".csv", texts=texts, literal=literal).columns
    mine = {name: arrow_columns.array(found.column(name)) for name in found.column_names}
    assert list(mine) == list(theirs)
    for name, values in mine.items():
        pairs = zip(_listed(values), _listed(theirs[name]), strict=True)
        assert all(_is_same(*each) for each in pairs), (name, values, theirs[name])


def _written(folder, ending, columns):
    path = folder / f"data{ending}"
    rows = [dict(zip(columns, each, strict=True)) for each in zip(*columns.values(), strict=True)]
    if ending == ".parquet":
        pq.write_table(pa.table(columns), path)
    elif ".json" in ending:
        text = json.dumps(rows) if ending.startswith(".json.") or ending == ".json" else "\n".join(map(json.dumps, rows))
        path.write_bytes(gzip.compress(text.encode()) if ending.endswith(".gz") else text.encode())
    else:
        cells = [["" if each is None else str(each) for each in row.values()] for row in rows]
        text = "\n".join([",".join(columns), *map(",".join, cells)]) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if ending.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".json", ".parquet"])
def test_every_format_gives_the_same_arrays(tmp_path, ending):
    columns = {"n": [1, 2, 3], "x": [0.5, None, 1.5], "t": ["a", "b", "a"], "gap": ["a", None, "b"], "yes": [True, False, True]}
    path = _written(tmp_path, ending, columns)
    found = whole.read(str(path), name=path.name)
    assert found.rows == 3
    assert {name: _listed(values) for name, values in found.columns.items()} == columns
    assert [np.asarray(found.columns[each]).dtype.kind for each in ("n", "x", "yes")] == ["i", "f", "b"]


def test_a_float_of_32_bits_is_the_number_that_it_is_written_as(tmp_path):
    pq.write_table(pa.table({"x": pa.array([0.1, 0.7, None], pa.float32())}), tmp_path / "x.parquet")
    assert _listed(whole.read(str(tmp_path / "x.parquet"), name="x.parquet").columns["x"]) == [0.1, 0.7, None]


def test_texts_without_gaps_are_classes(tmp_path):
    pq.write_table(pa.table({"x": ["b", "a", "b"]}), tmp_path / "x.parquet")
    found = whole.read(str(tmp_path / "x.parquet"), name="x.parquet").columns["x"]
    assert isinstance(found, Coded)
    assert (found.names, found.tolist()) == (("a", "b"), ["b", "a", "b"])


def test_times_of_a_zone_are_those_of_utc(tmp_path):
    moment = np.datetime64("2026-05-03T12:00", "us")
    table = pa.table({"at": pa.array([moment.astype(object), None], pa.timestamp("ms", tz="Europe/Berlin"))})
    pq.write_table(table, tmp_path / "x.parquet")
    found = whole.read(str(tmp_path / "x.parquet"), name="x.parquet").columns["at"]
    assert (found[0], np.isnat(found[1])) == (moment, True)


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_lists_of_one_length_are_a_matrix_and_others_stay_lists(tmp_path, ending):
    path = _written(tmp_path, ending, {"v": [[1.0, 2.0], None, [3.0, 4.0]], "w": [[1.0], [2.0, 3.0], None]})
    found = whole.read(str(path), name=path.name).columns
    assert found["v"].shape == (3, 2)
    assert np.isnan(found["v"][1]).all()
    assert _listed(found["w"]) == [[1.0], [2.0, 3.0], None]


def test_texts_that_look_like_numbers_stay_texts_where_they_are_declared_so(tmp_path):
    (tmp_path / "x.csv").write_text("zip,n\n007,1\n008,2\n")
    found = whole.read(str(tmp_path / "x.csv"), name="x.csv", texts={"zip"}).columns
    assert _listed(found["zip"]) == ["007", "008"]
    assert found["n"].dtype.kind == "i"


def test_a_class_called_none_is_no_missing_value_where_words_are_literal(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\nNone,None\nx,\n")
    found = whole.read(str(tmp_path / "x.csv"), name="x.csv", literal={"a", "absent"}).columns
    assert (_listed(found["a"]), _listed(found["b"])) == (["None", "x"], [None, None])


def test_short_rows_and_bytes_that_are_no_utf8_are_read_as_they_always_were(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b,c\n1,2\n3,\xff,4\n")
    found = whole.read(str(tmp_path / "x.csv"), name="x.csv").columns
    assert {name: _listed(each) for name, each in found.items()} == {"a": [1, 3], "b": ["2", "�"], "c": [None, 4.0]}


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("x.csv", b"a,b\n1,2,3\n", "x.csv: no table with commas"),
        ("x.csv", b"a,b\n1,\0\n", "NUL"),
        ("x.parquet", b"PAR1 but no more", "x.parquet: no Parquet file"),
        ("x.jsonl", b'{"a": 1}\n{"a": \n', "x.jsonl: line 2"),
        ("x.csv.gz", b"no gzip", "x.csv.gz: damaged"),
        ("x.txt", b"a,b\n", "x.txt: no table"),
    ],
)
def test_what_is_no_table_is_told_by_name(tmp_path, name, content, what):
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(MlgitError, match=what):
        whole.read(str(tmp_path / "data"), name=name)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(MlgitError, match=r"x\.csv: a device, pipe or socket"):
        whole.read(str(tmp_path / "x.csv"), name="x.csv")


def test_an_empty_file_has_no_columns(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"")
    assert whole.read(str(tmp_path / "x.csv"), name="x.csv").rows == 0


def test_numbers_too_large_for_64_bits_are_floats():
    assert whole.of_values([1, 2**70]).tolist() == [1.0, 2.0**70]
    assert whole.of_values([1, 10**400]).tolist() == [1.0, float("inf")]
