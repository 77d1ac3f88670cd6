"""`python -m benchmarks.contract_tables FOLDER ROWS`: a contract, and a table that keeps it, as Parquet and (if small) as CSV.

It is a process of its own: the memory of a process that measures others counts as theirs until they have started.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

_LEVELS = ["a", "bb", "ccc"]
_BLOCK = 250_000
_LARGE = 1_000_000


def document() -> dict[str, Any]:
    """The contract."""
    valid = {"metric": "invalidValues", "arguments": {"validValues": _LEVELS}, "mustBe": 0}
    columns: list[dict[str, Any]] = [
        {"name": f"i{place}", "logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 0, "maximum": 1000}}
        for place in range(8)
    ]
    columns += [
        {"name": f"x{place}", "logicalType": "number", "required": True, "logicalTypeOptions": {"minimum": -10, "maximum": 10}}
        for place in range(6)
    ]
    columns += [{"name": f"s{place}", "logicalType": "string", "quality": [valid]} for place in range(4)]
    columns.append({"name": "id", "logicalType": "integer", "required": True, "unique": True})
    columns.append({"name": "d", "logicalType": "timestamp", "required": True})
    table = {"name": "big", "properties": columns, "quality": [{"metric": "rowCount", "mustBeGreaterOrEqualTo": 1000}]}
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "big",
        "version": "1.0.0",
        "status": "active",
        "schema": [table],
    }


def block(start: int, rows: int) -> pa.Table:
    """Some rows that keep it."""
    random = np.random.default_rng(start)
    words = np.array(_LEVELS)
    columns: dict[str, Any] = {f"i{place}": random.integers(0, 1001, rows) for place in range(8)}
    columns |= {f"x{place}": random.normal(0, 1, rows).clip(-10, 10).round(6) for place in range(6)}
    columns |= {f"s{place}": words[random.integers(0, 3, rows)] for place in range(4)}
    columns["id"] = np.arange(start, start + rows)
    columns["d"] = np.datetime64("2026-01-01", "s") + np.arange(start, start + rows)
    return pa.table(columns)


def write(folder: Path, rows: int) -> Path:
    """The Parquet file, block by block."""
    path = folder / f"{rows}.parquet"
    with pa.parquet.ParquetWriter(path, block(0, 1).schema) as writer:
        for start in range(0, rows, _BLOCK):
            writer.write_table(block(start, min(_BLOCK, rows - start)))
    return path


def main() -> None:
    """Write them."""
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    (folder / "contract.json").write_text(json.dumps(document()), encoding="utf-8")
    path = write(folder, rows)
    if rows < _LARGE:
        pa.csv.write_csv(pa.parquet.read_table(path), path.with_suffix(".csv"))


if __name__ == "__main__":
    main()
