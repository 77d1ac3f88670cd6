"""The scoring protocol of MLflow 3: what `/invocations` takes and answers.

What clients of MLflow send is understood as MLflow does, with its statuses; what would be guessed there is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving import strict_json, table_bodies
from mlgit.serving.inputs import Inputs
from mlgit.serving.rows import METHODS, Method, RefusedRequestError, Rows, ServedRequest
from mlgit.serving_settings import ServingLimits

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
CONTENT_TYPES = (JSON, CSV, PARQUET)
FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
INVALID = "INVALID_PARAMETER_VALUE"
TOLD = 100  # violations in one answer

_SCALARS = frozenset({float, int, str, bool, type(None)})


def parse(body: bytes, *, content_type: str, limits: ServingLimits, inputs: Inputs | None = None) -> ServedRequest:
    """The request that a body of /invocations is; `inputs` say which columns of a CSV are text. Raises RefusedRequestError."""
    kind = JSON if content_type == JSON else _kind(content_type)
    if kind == CSV:
        return ServedRequest(table_bodies.of_csv(body, limit=limits.rows, inputs=inputs or Inputs()))
    if kind == PARQUET:
        return ServedRequest(table_bodies.of_parquet(body, limit=limits.rows))
    document = strict_json.parse(body)
    if type(document) is not dict:
        raise _refused("the body is not a JSON object")
    given = [name for name in FORMATS if name in document]
    if len(given) != 1:
        raise _refused(f"the body has not exactly one of {', '.join(FORMATS)}")
    names = inputs.names if inputs is not None else ()
    rows = _READERS[given[0]](document[given[0]], limit=limits.rows, cells=len(body), names=names)
    if "params" in document:
        return ServedRequest(rows, _methods(document["params"]))
    return ServedRequest(rows)


def answer(predictions: np.ndarray) -> bytes:
    """The body of an answer: one prediction a row, NaN as null."""
    return strict_json.text({"predictions": predictions.tolist()})


def error(refused: RefusedRequestError) -> bytes:
    """The body of a refusal; what the contract found is told by row, column and rule."""
    told: dict[str, Any] = {"error_code": refused.error_code, "message": refused.message}
    return strict_json.text(told | violations(refused))


def violations(refused: RefusedRequestError) -> dict[str, Any]:
    """What the contract found, as part of a refusal's body; nothing where it found nothing."""
    if not refused.violations:
        return {}
    found = [
        {"row": each.row, "column": each.column, "rule": each.rule, "condition": each.condition}
        for each in refused.violations[:TOLD]
    ]
    return {"violations": found}


def _refused(message: str, *, status: int = 400, error_code: str = "BAD_REQUEST") -> RefusedRequestError:
    return RefusedRequestError(message, status=status, error_code=error_code)


def _kind(content_type: str) -> str:
    """Which of the known types a header names. Raises RefusedRequestError with 415 for another, and for another charset."""
    kind, *parameters = (each.strip() for each in content_type.split(";"))
    for name, _, value in (each.partition("=") for each in parameters if each):
        if name.strip().lower() != "charset" or value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise _refused("the content type has a parameter other than charset=utf-8", status=415)
    if kind.lower() not in CONTENT_TYPES:
        raise _refused(f"the content type is none of {', '.join(CONTENT_TYPES)}", status=415)
    return kind.lower()


def _of_split(found: Any, *, limit: int, cells: int, names: tuple[str, ...]) -> Rows:
    """Rows of `{"columns": [...], "data": [[...]]}`, where `index` names rows and is not looked at."""
    known = type(found) is dict and ("data" in found) + ("columns" in found) + ("index" in found)
    if not known or "data" not in found or known != len(found):
        raise _refused("dataframe_split: not an object with `data`, and perhaps `columns` and `index`")
    rows = found["data"]
    _check_rows(rows, limit=limit, where="dataframe_split: data")
    index = found.get("index")
    if index is not None and (type(index) is not list or len(index) != len(rows)):
        raise _refused("dataframe_split: index is not a list with one entry for each row of data")
    columns = found.get("columns")
    if columns is None:
        _check_lengths(rows, expected=len(rows[0]), where="dataframe_split: data")
        return Rows(None, rows)
    given = tuple(columns) if type(columns) is list else ()
    # Most requests name the model's columns in its order; others are looked at.
    if not given or (given != names and (not set(map(type, given)) <= {str} or len(set(given)) != len(given))):
        raise _refused("dataframe_split: columns is not a list of different names")
    _check_lengths(rows, expected=len(given), where="dataframe_split: data")
    return Rows(given, rows)


def _of_records(found: Any, *, limit: int, cells: int, names: tuple[str, ...] = (), where: str = "dataframe_records") -> Rows:
    """Rows of `[{"column": value, ...}]`; a column that a row leaves out is missing there."""
    if type(found) is not list or not found or set(map(type, found)) != {dict}:
        raise _refused(f"{where}: not a list of one object or more")
    _check_count(len(found), limit=limit)
    columns = tuple(found[0])
    if all(len(each) == len(columns) and tuple(each) == columns for each in found):
        rows = [list(each.values()) for each in found]
    else:
        columns = tuple(dict.fromkeys(chain.from_iterable(found)))
        # Rows of different columns say little and fill a large table.
        if len(columns) * len(found) > cells:
            raise _refused(f"{where}: the objects have too many different keys")
        rows = [[each.get(name) for name in columns] for each in found]
    if not columns:
        raise _refused(f"{where}: there are no values", error_code=INVALID)
    _check_scalars(rows, where=where)
    return Rows(columns, rows)


def _of_columns(found: dict[str, Any], *, limit: int, where: str) -> Rows:
    """Rows of `{"column": [value, ...]}`, or of one row as `{"column": value}`."""
    columns = list(found.values())
    if not columns:
        raise _refused(f"{where}: no columns")
    if not any(type(each) in (list, dict) for each in columns):
        return Rows(tuple(found), [columns])
    if set(map(type, columns)) != {list}:
        raise _refused(f"{where}: a column is no list of values")
    _check_lengths(columns, expected=len(columns[0]), where=where)
    _check_count(len(columns[0]), limit=limit)
    _check_scalars(columns, where=where)
    return Rows(tuple(found), list(zip(*columns, strict=True)))


def _of_tensor(found: Any, *, limit: int, cells: int, where: str) -> Rows:
    """Rows of a list of rows, of objects, or of values of the one column; or of an object of columns."""
    if type(found) is dict:
        return _of_columns(found, limit=limit, where=where)
    if type(found) is not list or not found:
        raise _refused(f"{where}: not an object of columns, and not a list of one row or more")
    if type(found[0]) is dict:
        return _of_records(found, limit=limit, cells=cells, where=where)
    rows = found if type(found[0]) is list else [[each] for each in found]
    _check_rows(rows, limit=limit, where=where)
    _check_lengths(rows, expected=len(rows[0]), where=where)
    return Rows(None, rows)


def _of_instances(found: Any, *, limit: int, cells: int, names: tuple[str, ...]) -> Rows:
    return _of_tensor(found, limit=limit, cells=cells, where="instances")


def _of_inputs(found: Any, *, limit: int, cells: int, names: tuple[str, ...]) -> Rows:
    return _of_tensor(found, limit=limit, cells=cells, where="inputs")


_READERS = dict(zip(FORMATS, (_of_split, _of_records, _of_instances, _of_inputs), strict=True))


def _check_rows(rows: Any, *, limit: int, where: str) -> None:
    """Raises RefusedRequestError unless these are some rows of values."""
    if type(rows) is not list or not rows or set(map(type, rows)) != {list}:
        raise _refused(f"{where}: not a list of one row or more")
    _check_count(len(rows), limit=limit)
    _check_scalars(rows, where=where)


def _check_count(count: int, *, limit: int) -> None:
    if not count:
        raise _refused("the body has no rows")
    if count > limit:
        raise _refused(f"the body has {count} rows, more than the {limit} that one request may have", status=413)


def _check_scalars(rows: Sequence[Sequence[Any]], *, where: str) -> None:
    if not _SCALARS.issuperset(map(type, chain.from_iterable(rows))):
        raise _refused(f"{where}: a value is neither number, text, boolean nor null")


def _check_lengths(rows: Sequence[Sequence[Any]], *, expected: int, where: str) -> None:
    if not expected:
        raise _refused(f"{where}: there are no values", error_code=INVALID)
    if set(map(len, rows)) != {expected}:
        raise _refused(f"{where}: not every row has {expected} values", error_code=INVALID)


def _methods(params: Any) -> tuple[Method, ...]:
    """What `params` ask for by name. Raises RefusedRequestError for a parameter or method that is not known."""
    if params is None or params == {}:
        return ()
    if type(params) is not dict or params.keys() != {"predict_method"}:
        raise _refused("params: not an object with nothing but `predict_method`", error_code=INVALID)
    for method in METHODS:
        if params["predict_method"] == method:
            return (method,)
    raise _refused(f"params: predict_method is none of {', '.join(METHODS)}", error_code=INVALID)
