"""Bodies that `/invocations` has to refuse: each wrong in one way, for a model with named columns of numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"


# Stands where a body is wrong, and must not come back.
SECRET = "s3cret"


class BadBody(NamedTuple):
    """What is wrong with it, and what is sent."""

    what: str
    content_type: str
    body: bytes


def bad_bodies(columns: Sequence[str], row: Sequence[float]) -> list[BadBody]:
    """The bodies, for a model with these columns, of which `row` is a good row."""
    names, values = list(columns), list(row)
    split = {"columns": names, "data": [values]}
    record = dict(zip(names, values, strict=True))
    text = [SECRET, *values[1:]]
    documents: dict[str, Any] = {
        "a list": [values],
        "a number": 5,
        "a text": SECRET,
        "null": None,
        "an empty object": {},
        "none of the keys": {"data": [values]},
        "the key of MLflow 1": {"columns": names, "data": [values]},
        "nothing but params": {"params": {}},
        "two of the keys": {"dataframe_split": split, "instances": [values]},
        "split that is a list": {"dataframe_split": [values]},
        "split without data": {"dataframe_split": {"columns": names}},
        "split with another key": {"dataframe_split": split | {SECRET: 1}},
        "split whose data is a text": {"dataframe_split": {"columns": names, "data": SECRET}},
        "split with a row too long": {"dataframe_split": {"columns": names, "data": [[*values, 1.0]]}},
        "split with fewer columns than values": {"dataframe_split": {"columns": names[:-1], "data": [values]}},
        "split without a column": {"dataframe_split": {"columns": names[:-1], "data": [values[:-1]]}},
        "split with a misspelled column": {"dataframe_split": {"columns": [*names[:-1], SECRET], "data": [values]}},
        "split with a text for a number": {"dataframe_split": {"columns": names, "data": [text]}},
        "split with a list for a number": {"dataframe_split": {"columns": names, "data": [[[1.0], *values[1:]]]}},
        "split with an object for a number": {"dataframe_split": {"columns": names, "data": [[{SECRET: 1}, *values[1:]]]}},
        "split without rows": {"dataframe_split": {"columns": names, "data": []}},
        "split with null for a number": {"dataframe_split": {"columns": names, "data": [[None, *values[1:]]]}},
        "records that are an object": {"dataframe_records": record},
        "records that are numbers": {"dataframe_records": values},
        "records without a column": {"dataframe_records": [dict(list(record.items())[1:])]},
        "records with a text for a number": {"dataframe_records": [record | {names[0]: SECRET}]},
        "no records": {"dataframe_records": []},
        "instances of fewer values": {"instances": [values[:-1]]},
        "instances of two lengths": {"instances": [values, values[:-1]]},
        "instances without a column": {"instances": [dict(list(record.items())[1:])]},
        "inputs of two lengths": {
            "inputs": {name: [value] * (1 + place % 2) for place, (name, value) in enumerate(record.items())}
        },
        "inputs without a column": {"inputs": {name: [value] for name, value in list(record.items())[1:]}},
        "inputs that are a text": {"inputs": SECRET},
    }
    good = json.dumps({"dataframe_split": split}).encode()
    header, line = ",".join(names), ",".join(map(str, values))
    return [
        *(BadBody(what, JSON, json.dumps(document).encode()) for what, document in documents.items()),
        BadBody("nothing", JSON, b""),
        BadBody("half of an object", JSON, good[:-2]),
        BadBody("something behind the object", JSON, good + b"}"),
        BadBody("a comma too much", JSON, good[:-2] + b",}}"),
        BadBody("bytes that are no UTF-8", JSON, good.replace(b'"data"', b'"d\xffta"')),
        BadBody("another content type", "application/xml", good),
        BadBody("JSON lines", "application/jsonlines", good),
        BadBody("another charset", "application/json; charset=latin-1", good),
        BadBody("a parameter of the content type", f"application/json; {SECRET}=1", good),
        BadBody("CSV that is empty", CSV, b""),
        BadBody("CSV without a column", CSV, f"{header.partition(',')[2]}\n{line.partition(',')[2]}\n".encode()),
        BadBody("CSV with a text for a number", CSV, f"{header}\n{SECRET},{line.partition(',')[2]}\n".encode()),
        BadBody("CSV without rows", CSV, f"{header}\n".encode()),
        BadBody("CSV that is no UTF-8", CSV, f"{header}\n{line}".encode() + b"\xff\n"),
        BadBody("CSV with a row of other lengths", CSV, f"{header}\n{line}\n{line},1,2\n".encode()),
        BadBody("Parquet that is none", PARQUET, b"PAR1 no table PAR1"),
        BadBody("JSON that is called Parquet", PARQUET, good),
    ]
