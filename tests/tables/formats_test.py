"""Which paths are tables."""

from __future__ import annotations

import pytest

from mlgit.tables import formats, limits, outline


@pytest.mark.parametrize(
    ("path", "name", "is_packed", "ending"),
    [
        ("t.csv", "csv", False, ".csv"),
        ("a.b/T.CSV.GZ", "csv", True, ".csv.gz"),
        ("t.tsv", "tsv", False, ".tsv"),
        ("v1.2.ndjson.gz", "jsonl", True, ".ndjson.gz"),
        ("t.jsonl", "jsonl", False, ".jsonl"),
        ("t.json", "json", False, ".json"),
        ("t.parquet", "parquet", False, ".parquet"),
    ],
)
def test_format_is_told_by_the_end_of_the_name(path, name, is_packed, ending):
    found = formats.of(path)
    assert (found.name, found.is_packed, formats.ending(path)) == (name, is_packed, ending)


@pytest.mark.parametrize("path", ["csv", "t", "t.txt", "t.gz", "t.parquet.gz", "t.csv/x", "t.csv.zip", "gz", "", "t.csv.gz.gz"])
def test_other_paths_are_no_tables(path):
    assert (formats.of(path), formats.ending(path)) == (None, "")


def test_rows_of_large_tables_are_counted_only_where_the_file_tells_them():
    large = limits.OUTLINE_BYTES + 1
    assert (outline.is_read("t.csv", large), outline.is_read("t.parquet", large), outline.is_read("t.txt", 1)) == (
        False,
        True,
        False,
    )
