"""Files that are broken, or made to break: they are read, or refused with a sentence, and nothing else."""

from __future__ import annotations

import gzip
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.monitoring import columns, windows
from mlgit.monitoring_settings import Monitoring, cut
from mlgit.tables import limits
from tests.kit import FULL
from tests.kit.late import Module
from tests.serving import logs

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")

MODEL = parse({"mlgit": 1, "models": {"churn": {"id": "id", "positive": 1}}}).model("churn")
NOW = datetime(2027, 1, 1, tzinfo=UTC)
CUTS = ["", "day(ts)", "rows(7)", "x", "id", "o", "v", "week(x)", "month(d)"]
PIECES = [b",", b'"', b"\n", b"{", b"null", b"1e999", b"[]", b"-0", b"NaN", b"\r", b"\\ud800", b"9" * 30, b"true", b"\0"]
CSV = b"id,x,ts,prediction,score\n" + b"".join(b"%d,%d.5,2026-05-%02d,%d,0.5\n" % (i, i, 3 + i % 3, i % 2) for i in range(30))
LINES = [b'{"id":%d,"x":[1,2],"ts":"2026-05-0%d","o":{"a":null}}' % (i, 3 + i % 3) for i in range(30)]


def _parquet():
    table = pa.table(
        {
            "id": ["a", "b", "c"] * 20,
            "x": [1.5, None, 2] * 20,
            "ts": [datetime(2026, 5, 3) + timedelta(days=row % 3) for row in range(60)],
            "v": [[1.0, 2.0], [3.0, 4.0], None] * 20,
            "o": pa.array([{"a": 1}, None, {"a": 2}] * 20),
            "d": pa.array(["x", "y", None] * 20).dictionary_encode(),
            "i": pa.array([1, 2, None] * 20, pa.uint64()),
            "t": pa.array([1, 2, 3] * 20, pa.time32("s")),
            "bytes": pa.array([b"\xff", b"a", None] * 20),
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    logs.write(folder, logs.single([0.1, 0.9] * 20), version="v1.0.0")
    log = next(folder.rglob("*.jsonl")).read_bytes()
    return {
        ".parquet": _parquet(),
        ".jsonl": log,
        ".jsonl.gz": gzip.compress(log),
        ".csv": CSV,
        ".csv.gz": gzip.compress(CSV),
        ".ndjson": b"\n".join(LINES),
        ".json": b"[" + b",".join(LINES) + b"]",
    }


def _broken(content, chance):
    found = bytearray(content)
    for _ in range(chance.randint(0, 3)):
        place = chance.randrange(len(found)) if found else 0
        match chance.randrange(4):
            case 0 if found:
                found[place] = chance.randrange(256)
            case 1:
                found[place:place] = chance.randbytes(chance.randint(1, 5))
            case 2:
                del found[place : place + chance.randint(1, 30)]
            case _:
                found[place:place] = chance.choice(PIECES)
    return bytes(found)


@pytest.mark.parametrize("ending", [".parquet", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".ndjson", ".json"])
def test_what_is_broken_is_read_or_refused(tmp_path, seeds, ending):
    path = tmp_path / f"now{ending}"
    for seed in range(1000 if FULL else 40):
        chance = random.Random(seed)
        path.write_bytes(_broken(seeds[ending], chance))
        with suppress(MlgitError):
            found = windows.read_file(str(path), by=cut(chance.choice(CUTS)), model=MODEL, now=NOW)
            for each in found.windows[:1]:
                columns.watched(each.columns, model=MODEL, settings=Monitoring("churn"))


@pytest.mark.parametrize(("ending", "line"), [(".csv.gz", b"a,b\n"), (".jsonl.gz", b'{"a":1}\n')])
def test_a_small_file_that_is_huge_unpacked_is_refused(tmp_path, ending, line, monkeypatch):
    monkeypatch.setattr(limits, "WHOLE_BYTES", 1 << 20)
    path = tmp_path / f"bomb{ending}"
    path.write_bytes(gzip.compress(line * (1 << 19)))
    with pytest.raises(MlgitError, match="so it is not read"):
        windows.read_file(str(path), by=cut(""), model=MODEL, now=NOW)
