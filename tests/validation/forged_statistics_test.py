"""Parquet files that tell of themselves what is not so: the pages are what is held against a contract."""

import struct

import pytest

from mlgit.errors import MlgitError
from tests.kit.late import Module
from tests.validation.kit import broken, check, column, contract, found, options

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")

pytestmark = pytest.mark.slow


def long(number):
    return struct.pack("<q", number)


def forged(folder, values, told, *, rows=100):
    """A file with these values in one column `a`, whose footer tells otherwise: what stands in it, and what instead."""
    path = folder / "raw.parquet"
    pq.write_table(pa.table({"a": values}), path, row_group_size=rows)
    content = path.read_bytes()
    start = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    footer = content[start:]
    for old, new in told.items():
        assert old in footer
        footer = footer.replace(old, new)
    path.write_bytes(content[:start] + footer)
    return path


@pytest.mark.parametrize(
    ("values", "told", "rule", "asked"),
    [
        ([0, 5, 999], {long(999): long(9)}, "range", column("a", "integer", **options(maximum=10))),
        ([0, 5, 999], {long(999): long(9)}, "range", column("a", **options(maximum=10))),
        ([0, None, 9], {b"\x16\x02(": b"\x16\x00("}, "required", column("a", "integer", required=True)),
        ([0.5, None, 9.5], {b"\x16\x02(": b"\x16\x00("}, "required", column("a", "number", required=True)),
        (["a", "zz", "b"], {b"\x02zz": b"\x02aa"}, "values", column("a", "string", enum=[{"value": "a"}, {"value": "b"}])),
        ([4, 8, 9], {long(9): long(8)}, "multiple", column("a", "integer", **options(multipleOf=4))),
    ],
)
def test_value_that_the_footer_denies_breaks_its_rule(tmp_path, values, told, rule, asked):
    result = check(forged(tmp_path, values, told), contract(asked))
    assert broken(result) == {f"a.{rule}": ("fail", 1)}
    assert len(found(result, f"a.{rule}").samples) == 1


def test_queries_find_rows_that_the_footer_denies(tmp_path):
    path = forged(tmp_path, [each % 10 for each in range(200)] + [999] * 100, {long(999): long(5)})
    queries = {f"SELECT count(*) FROM raw WHERE {each}": 100 for each in _CONDITIONS} | dict.fromkeys(_LARGEST, 999)
    rules = [{"type": "sql", "id": each, "query": each, "mustBe": number} for each, number in queries.items()]
    assert broken(check(path, contract(column("a", "integer"), quality=rules))) == {}


_CONDITIONS = ("a > 10", "a = (SELECT max(a) + 990 FROM raw WHERE a < 10)", "a IN (999, 1000)")
_LARGEST = (
    "SELECT max(a) FROM raw",
    "SELECT a FROM raw ORDER BY a DESC LIMIT 1",
    "SELECT max(a) FROM (FROM raw ORDER BY a DESC LIMIT 3)",
)


MORE_ROWS = {b"\x16\x3c": b"\x16\x7c"}  # 62 for 30
ROWS = {"metric": "rowCount", "mustBeGreaterOrEqualTo": 60}


def test_rows_that_the_pages_do_not_hold_are_not_counted(tmp_path):
    with pytest.raises(MlgitError, match="cannot read this table"):
        check(forged(tmp_path, list(range(30)), MORE_ROWS), contract(quality=[ROWS]))


def test_column_of_fewer_values_than_rows_is_invalid(tmp_path):
    asked = contract(column("a", "integer", required=True), quality=[ROWS])
    assert check(forged(tmp_path, list(range(30)), MORE_ROWS), asked).outcome == "invalid"


def test_key_that_the_footer_denies_is_found_twice(tmp_path):
    path = forged(tmp_path, [*range(200), *[999] * 100], {long(999): long(150)})
    assert broken(check(path, contract(column("a", "integer", unique=True)))) == {"a.unique": ("fail", 1)}
