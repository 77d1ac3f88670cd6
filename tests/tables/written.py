"""The same rows in every format that is read, as other programs write them."""

from __future__ import annotations

import csv
import gzip
import io
import json

from tests.kit.late import Module

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")


def separated(names, rows, separator=","):
    """CSV as Python writes it: nothing for None."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return stream.getvalue().encode()


def parquet(names, rows, types=None):
    """A Parquet file, its types those that Arrow finds, or these."""
    columns = [pa.array([row[at] for row in rows], (types or {}).get(name)) for at, name in enumerate(names)]
    stream = io.BytesIO()
    pq.write_table(pa.table(columns, names=list(names)), stream)
    return stream.getvalue()


def every(names, rows, types=None):
    """Bytes by path."""
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    lines = "".join(json.dumps(each) + "\n" for each in objects).encode()
    texts = {
        "t.csv": separated(names, rows),
        "t.tsv": separated(names, rows, "\t"),
        "t.json": json.dumps(objects).encode(),
        "t.jsonl": lines,
        "t.ndjson": lines,
    }
    packed = {f"{path}.gz": gzip.compress(content, mtime=0) for path, content in texts.items()}
    return texts | packed | {"t.parquet": parquet(names, rows, types)}
