"""What is counted in another way in large files is the same number."""

from __future__ import annotations

import pytest

from mlgit.validation import shortcuts
from tests.kit.late import Late
from tests.validation.kit import broken, check, column, contract, options

pyarrow = Late("pyarrow")
parquet = Late("pyarrow.parquet")
LEVELS = {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a", "", "it's"]}}]}


def written(path, columns, *, is_large=True):
    """A Parquet file, made large by a value that no check reads."""
    rows = len(next(iter(columns.values())))
    pad = {"pad": [b" " * shortcuts.LARGE if is_large else b"", *[None] * (rows - 1)]}
    table = pyarrow.table({name: pyarrow.array(values) for name, values in (columns | pad).items()})
    parquet.write_table(table, path, compression="none", use_dictionary=False)
    return path


KEYS = {
    "dense": [3, 1, 2, 2, None, None],
    "negative": [-5, -5, 0, 7, -6, None],
    "nothing": [None] * 6,
    "sparse": [0, 2**62, -(2**62), 1, 2, 2],
    "largest": [2**63 - 1, 2**63 - 2, 2**63 - 1, 2**63 - 3, 2**63 - 4, None],
    "alike": [0, 0, 0, 0, 0, 0],
}


@pytest.mark.parametrize("is_large", [True, False])
def test_keys_that_come_again_are_counted(tmp_path, is_large):
    columns = {name: pyarrow.array(values, pyarrow.int64()) for name, values in KEYS.items()}
    columns["unsigned"] = pyarrow.array([2**64 - 1, 2**64 - 1, 2**64 - 2, 0, 1, 2], pyarrow.uint64())
    columns["small"] = pyarrow.array([-128, 127, 127, 0, 1, 2], pyarrow.int8())
    asked = contract(*(column(name, "integer", unique=True) for name in columns))
    found = broken(check(written(tmp_path / "a.parquet", columns, is_large=is_large), asked))
    again = ("dense", "negative", "sparse", "largest", "alike", "unsigned", "small")
    assert found == {f"{name}.unique": ("fail", 1) for name in again}


@pytest.mark.parametrize("is_large", [True, False])
def test_texts_that_are_not_listed_are_counted(tmp_path, is_large):
    few = ["a", "", "it's", None, "A", "a ", "A"] * 500
    many = ["a"] * 3000 + [f"v{each}" for each in range(500)]  # of which a look ahead sees none
    asked = contract(*(column(name, "string", **LEVELS) for name in ("few", "many")), column("gone", "string", **LEVELS))
    found = broken(check(written(tmp_path / "a.parquet", {"few": few, "many": many}, is_large=is_large), asked))
    assert found["few.invalidValues"] == ("fail", 1500)
    assert found["many.invalidValues"] == ("fail", 500)


def test_numbers_beyond_an_end_are_counted_beside_nan_and_nothing(tmp_path):
    nan, values = float("nan"), [-0.5, 0.0, 1.0, 1.5, float("inf"), float("-inf"), None]
    columns = {"x": [*values, nan], "y": pyarrow.array([*values, nan], pyarrow.float32()), "z": [0.5] * 7 + [nan]}
    bounds = options(minimum=0, maximum=1)
    asked = contract(*(column(name, "number", required=True, **bounds) for name in columns))
    four, two = ("fail", 4), ("fail", 2)
    assert broken(check(written(tmp_path / "a.parquet", columns, is_large=False), asked)) == {
        "x.range": four,
        "x.required": two,
        "y.range": four,
        "y.required": two,
        "z.required": ("fail", 1),
    }
