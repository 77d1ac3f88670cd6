"""The digest of rows: of what they say, in any order and any format."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.config import Config
from mlgit.monitoring import content_digest, row_differences, windows
from mlgit.monitoring.row_table import RowTable
from mlgit.monitoring_settings import Cut
from mlgit.statistics.rows import Coded
from mlgit.tables import whole
from mlgit.tables.digests import MISSING_WORDS
from tests.kit.late import Module

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")

NOW = datetime(2027, 1, 1, tzinfo=UTC)
_words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=5).filter(
    lambda text: (
        text not in MISSING_WORDS and not _is_number(text) and text.lower() not in ("true", "false") and '"' not in text
    )
)
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "whole": st.integers(-(2**53), 2**53),
            "real": st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
            "word": st.none() | _words,
            "flag": st.booleans(),
            "at": st.datetimes(datetime(1990, 1, 1), datetime(2026, 1, 1)).map(lambda each: each.replace(microsecond=0)),
        }
    ),
    min_size=1,
    max_size=8,
)


def _is_number(text):
    try:
        float(text.replace("_", "a"))
    except ValueError:
        return text[:4].isdigit()
    return True


def _digest(columns, rows):
    return content_digest.digests(columns, windows=np.zeros(rows, dtype=np.int64), n_windows=1)[0]


def _read(path):
    found = windows.read_file(str(path), by=Cut(), model=Config().model("churn"), now=NOW).windows
    return found[0].digest


def _cell(value):
    text = "" if value is None else str(value)
    return f'"{text}"' if "," in text else text


def _written(folder, rows, order):
    names = list(rows[0])
    csv = "\n".join([",".join(names), *(",".join(_cell(row[name]) for name in names) for row in rows)]) + "\n"
    (folder / "x.csv").write_text(csv, encoding="utf-8")
    lines = [{key: value for key, value in row.items() if value is not None} for row in order]  # a key may lack
    text = "\n".join(json.dumps(each, default=lambda moment: moment.isoformat() + "Z") for each in lines)
    (folder / "x.jsonl").write_text(text, encoding="utf-8")
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in reversed(names)}), folder / "x.parquet")
    return [folder / f"x.{ending}" for ending in ("csv", "jsonl", "parquet")]


@given(_rows, st.randoms(use_true_random=False))
def test_the_same_rows_have_one_digest_in_every_format_and_order(tmp_path_factory, rows, chance):
    order = chance.sample(rows, len(rows))
    paths = _written(tmp_path_factory.getbasetemp(), rows, order)
    assert len({_read(path) for path in paths}) == 1


@given(_rows, st.randoms(use_true_random=False))
def test_each_window_has_the_digest_that_it_has_alone(rows, chance):
    of_rows = np.array([chance.randrange(-1, 3) for _ in rows])
    columns = dict(whole.of_rows(rows).columns)
    together = content_digest.digests(columns, windows=of_rows, n_windows=3)
    for window in range(3):
        own = [row for row, at in zip(rows, of_rows.tolist(), strict=True) if at == window]
        assert together[window] == _digest(dict(whole.of_rows(own).columns), len(own))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], [1, 3]),
        ([1, 2], ["1", "2"]),
        ([True, False], [1, 0]),
        ([None, 1], [0, 1]),
        (["a", None], ["a", "b"]),
        (["a", "b"], ["a", "a"]),
        ([[1.0, 2.0]], [[2.0, 1.0]]),
        ([{"a": 1}], [{"a": 2}]),
        ([1, "a"], [True, "a"]),
        (["2026-05-03"], ["2026-05-04"]),
    ],
)
def test_other_values_have_another_digest(one, other):
    assert _digest({"x": whole.of_values(one)}, len(one)) != _digest({"x": whole.of_values(other)}, len(other))


def test_names_of_columns_and_the_number_of_rows_count():
    values = np.array([1.0, 2.0])
    assert _digest({"x": values}, 2) != _digest({"y": values}, 2)
    assert _digest({"x": values, "y": values[::-1]}, 2) != _digest({"x": values[::-1], "z": values}, 2)
    assert _digest({}, 2) != _digest({}, 3)


def test_a_row_is_more_than_its_cells():
    """Two columns with the same cells, paired otherwise."""
    one = {"x": np.array([1, 2]), "y": np.array([1, 2])}
    other = {"x": np.array([1, 2]), "y": np.array([2, 1])}
    assert _digest(one, 2) != _digest(other, 2)


def test_classes_are_the_texts_that_they_stand_for():
    texts = np.array(["b", "a", "b"], dtype=object)
    coded = Coded(("a", "b", "unused"), np.array([1, 0, 1]))
    assert _digest({"x": texts}, 3) == _digest({"x": coded}, 3)


def test_half_a_character_and_an_endless_number_are_no_reason_to_fail():
    odd = np.array(["\ud800", 10**400, float("inf"), [1, None], {"b": 1, "a": 2}], dtype=object)
    shuffled = odd[[4, 2, 0, 3, 1]]
    assert _digest({"x": odd, "\ud800": odd}, 5) == _digest({"x": shuffled, "\ud800": shuffled}, 5)


def test_new_rows_are_those_beyond_the_former_ones():
    before = RowTable(3, {"x": np.array([1, 1, 2]), "gone": np.array([7, 7, 7])})
    now = RowTable(6, {"x": np.array([2, 1, 3, 1, 1, 2.0]), "new": np.arange(6)})
    assert now.columns["x"][row_differences.new_rows(now, before)].tolist() == [3, 1, 2]
    assert row_differences.new_rows(now, RowTable(0)).tolist() == list(range(6))


def test_a_larger_table_in_another_order_brings_only_what_is_new():
    chance = random.Random(4)
    old = [(chance.random(), chance.choice("abc")) for _ in range(500)]
    new = [*old, *((2 + chance.random(), "d") for _ in range(50))]
    chance.shuffle(new)
    tables = [
        RowTable(len(rows), {"x": whole.of_values([x for x, _ in rows]), "t": whole.of_values([t for _, t in rows])})
        for rows in (old, new)
    ]
    places = row_differences.new_rows(tables[1], tables[0])
    assert sorted(new[each] for each in places) == sorted(new_row for new_row in new if new_row[1] == "d")
