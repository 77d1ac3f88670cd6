"""The server reads dates, times and moments as DuckDB does for `mlgit data check`."""

from __future__ import annotations

import random

import pytest

from mlgit.serving import moments
from mlgit.validation.cells import Cell
from tests.kit import FULL
from tests.kit.late import Late

duckdb = Late("duckdb")
ISO = [
    *("2024-02-29", "2023-02-29", "2024-1-5", "2024-01-05T10:20:30Z", "2024-01-05 10:20", "0000-01-01", "12024-01-01", "10:20"),
    *("24:00:00", "23:59:60", "10:20:30.1234567", "2024/01/05", "2024-01-05T10:20:30.123456+02:00", "9999-12-31T23:59:59-0530"),
    *("2024-01-05T10:20:30 UTC", "5-1-2 3:4:5", "1969-12-31T23:59:59.9999999", "infinity", "epoch", "20240105", "-0001-01-01"),
    *("290000-01-01", "295000-01-01", "2024-01-05 (BC)", "2024-01-05T24:00:00", "1:2:3", "2024-01-05 00:00:00"),
]
FORMED = [
    *(
        "2024-02-29",
        "29/02/2024",
        "3.4.2024",
        "24-01-05",
        "70-01-05",
        "05 Jan 2024",
        "Mon, 05 January 2024",
        "Fri, 05 January 2024",
    ),
    *("20240105", "2024-01-05T10:20:30Z", "2024-01-05T10:20:30+02:00", "05/01/2024 10:20", "2024-01-05 10:20:30.123", "10:20"),
    *("2024-01-05 10:20 PM", "2024-01-05 13:20 AM", "2024-01-05 12:20 am", "2024-01-05T10:20:30.123456-0530", "1/5/2024 7:8"),
    *("1020", "10:20 am", "7:8", "24:00", "23:59:59.999", " 10:20 ", "05 Jan. 2024", "05 jan 2024"),
]
FORMS = {
    "date": ["", "yyyy-MM-dd", "dd/MM/yyyy", "d.M.yyyy", "yy-MM-dd", "dd MMM yyyy", "EEE, dd MMMM yyyy", "yyyyMMdd"],
    "timestamp": [
        *("", "yyyy-MM-dd'T'HH:mm:ssXXX", "dd/MM/yyyy HH:mm", "yyyy-MM-dd HH:mm:ss.SSS", "yyyy-MM-dd hh:mm a"),
        *("yyyy-MM-dd'T'HH:mm:ss.SSSSSSZ", "MM/dd/yyyy H:m"),
    ],
    "time": ["", "HH:mm", "HHmm", "hh:mm a", "H:m", "HH:mm:ss.SSS"],
}
UNITS = {"date": "date_diff('day', DATE '1970-01-01', x)", "timestamp": "epoch_us(x)", "time": "epoch_us(x)"}


def changed(chance, text):
    """The text with some signs of it replaced, put in, or left out."""
    signs = list(text)
    for _ in range(chance.choice([0, 1, 1, 2])):
        at = chance.randrange(len(signs) + 1)
        signs[at : at + chance.choice([0, 1])] = chance.choice(["", *"0123456789-/:T Z+.\t\naPé"])
    return "".join(signs)


def by_duckdb(texts, kind, form):
    value = Cell("s", "text").value(kind, form=form)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE t (i INT, s VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [list(each) for each in enumerate(texts)])
        found = connection.execute(f"SELECT {UNITS[kind]} FROM (SELECT i, {value} AS x FROM t) ORDER BY i").fetchall()
    return [each for (each,) in found]


@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, forms in FORMS.items() for form in forms])
@pytest.mark.parametrize("seed", range(20 if FULL else 1))
def test_texts_are_the_same_moments_as_to_duckdb(kind, form, seed):
    chance = random.Random(f"{seed}/{kind}/{form}")
    known = FORMED if form else ISO
    texts = list(dict.fromkeys([*known, *(changed(chance, chance.choice(known)) for _ in range(400))]))
    wanted = by_duckdb(texts, kind, form)
    found = [moments.read(each, kind, form=form) for each in texts]
    assert [each for each in zip(texts, wanted, found, strict=True) if each[1] != each[2]] == []


def test_long_text_is_no_moment_and_not_looked_through():
    assert moments.read(" " * 10**6 + "2024-01-05", "date") is None


def test_zone_by_the_name_of_a_place_is_none_to_the_server():
    assert moments.read("2024-01-05T10:20:30 Europe/Berlin", "timestamp") is None
