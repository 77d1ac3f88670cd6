"""Rows that are in both tables."""

from __future__ import annotations

from mlgit.cards.overlap import count

TRAIN = b"id,x,y\n1,a,b\n2,c,d\n"


def test_rows_are_compared_by_their_columns_without_the_one_that_names_them():
    test = b"y\tid\tx\nb\t9\ta\n\nd\t8\tq\n"
    assert count([("csv", TRAIN)], [("tsv", test)], id_column="id") == (1, 2)
    assert count([("csv", TRAIN)], [("tsv", test)], id_column="") == (0, 2)


def test_all_files_count():
    assert count(
        [("csv", TRAIN), ("csv", b"x,y\nq,d\n")], [("csv", b"x,y\nq,d\n"), ("csv", b"x,y\nc,d\n")], id_column="id"
    ) == (2, 2)


def test_what_is_no_table_is_not_counted():
    assert count([("parquet", TRAIN)], [("csv", TRAIN)], id_column="id") is None
    assert count([("csv", b"\xff")], [("csv", TRAIN)], id_column="id") is None
    assert count([("csv", TRAIN)], [("csv", b"id,x,y\n")], id_column="id") is None
