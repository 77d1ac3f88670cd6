from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import pytest

from mlgit.serving import parquet_footer
from tests.kit.late import Module

pa, pq = Module("pyarrow"), Module("pyarrow.parquet")


def written(compression: Any = "snappy", **options: Any) -> bytes:
    """A Parquet file of two columns and three groups of rows."""
    target = io.BytesIO()
    pq.write_table(
        pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]}), target, row_group_size=1, compression=compression, **options
    )
    return target.getvalue()


def of_footer(footer: bytes) -> bytes:
    """A file with this footer and nothing else."""
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize(
    ("compression", "found"),
    [
        ("none", {0}),
        ("snappy", {1}),
        ("gzip", {2}),
        ("brotli", {4}),
        ("zstd", {6}),
        ("lz4", {7}),
        ({"a": "gzip", "b": "none"}, {0, 2}),
    ],
)
def test_compressions_of_all_columns_are_found(compression, found):
    assert parquet_footer.codecs(written(compression)) == found


@pytest.mark.parametrize(
    "options", [{"store_schema": False}, {"write_page_index": True}, {"version": "1.0"}, {"use_dictionary": False}]
)
def test_other_ways_to_write_are_understood(options):
    assert parquet_footer.codecs(written(**options)) == {1}


def test_compression_that_does_not_exist_is_told_as_it_stands_there():
    # file.row_groups[0].columns[0].meta_data.codec = -64
    footer = bytes([0x49, 0x1C, 0x19, 0x1C, 0x3C, 0x45, 0x7F, 0, 0, 0, 0])
    assert parquet_footer.codecs(of_footer(footer)) == {-64}


@pytest.mark.parametrize("wire", [5, 8, 9])
def test_list_that_declares_other_items_than_the_format_has_is_refused(wire):
    with pytest.raises(ValueError, match="other items"):
        parquet_footer.codecs(of_footer(bytes([0x49, 0x10 | wire, 0x00, 0x00])))


@pytest.mark.parametrize(
    "footer",
    [
        b"",
        b"\x0c" * 40,
        b"\x1c" * 5000 + b"\0" * 5001,
        b"\x19\x19" + b"\x19" * 5000 + b"\0" * 5001,
        b"\x15" + b"\xff" * 11,
        b"\x18\xff\xff\xff\xff\x0f\x00",
        b"\x1b\x01\x55\x00",
        b"\x1e\x00",
        b"\x19\xf5\xff\xff\xff\xff\x0f\x00",
    ],
)
def test_footer_that_is_none_is_refused(footer):
    with pytest.raises(ValueError, match=r"."):
        parquet_footer.codecs(of_footer(footer))


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1PAR1", b"PARE" + b"\0" * 8 + b"PARE", b"PAR1\xff\xff\xff\x7fPAR1"])
def test_what_is_no_file_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        parquet_footer.codecs(body)


def test_footer_cut_or_changed_anywhere_is_refused_or_understood():
    body = written()
    length = int.from_bytes(body[-8:-4], "little")
    footer = body[-8 - length : -8]
    for at in range(length):
        for changed in (footer[:at], footer[:at] + bytes([footer[at] ^ 0x81]) + footer[at + 1 :]):
            with suppress(ValueError):
                assert parquet_footer.codecs(of_footer(changed)) is not None
