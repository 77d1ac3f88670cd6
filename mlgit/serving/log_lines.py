"""Writes down an answer: one line of the prediction log for each request."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mlgit import lazy_numpy as np
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.log_header import LogHeader, Role, stamp
from mlgit.serving.rows import Violation

# A request of a thousand rows can break thirty thousand rules: what is said of it is bounded.
MOST_VIOLATIONS = 100
_HASH_LENGTH = 16


def header(loaded: LoadedModel) -> LogHeader:
    """The header of the file in which the answers of a model are written down."""
    release, columns = loaded.release, loaded.inputs.columns
    return LogHeader(
        release.model,
        release.version,
        release.commit,
        release.sha256,
        release.contract_sha256,
        tuple(each.name for each in columns),
        tuple(each.type for each in columns),
        tuple(each.name for each in columns if each.is_private),
        tuple(loaded.predictor.methods),
        tuple(_plain(each) if isinstance(each, np.generic) else each for each in loaded.predictor.classes),
    )


def line(
    header: LogHeader,
    *,
    request_id: str,
    seconds: float,
    inputs: Sequence[Sequence[Any]] | np.ndarray | None,
    outputs: Mapping[str, Any] | None,
    ms: float,
    code: int = 200,
    role: Role = "champion",
    violations: Sequence[Violation] = (),
    key: bytes = b"",
) -> bytes:
    """One request as a line: when it came (`seconds` since 1970), its rows in the order of `header.columns`, the answer.

    `outputs` are by method, `ms` is how long it took. A refused request has neither rows nor answer. What is no finite number
    is null. Raises ValueError where values are to be hashed and there is no `key`.
    """
    if header.hashed and inputs is not None:
        inputs = hashed(inputs, places=header.places, key=key)
    document: dict[str, Any] = {
        "id": request_id,
        "ts": stamp(seconds),
        "role": role,
        "version": header.version,
        "digest": header.digest,
        "inputs": inputs,
        "outputs": outputs,
        "ms": int(ms * 1000) / 1000,
        "code": code,
    }
    if violations:
        document |= _told(violations)
    try:
        return orjson.dumps(document, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a character, a number of more than 64 bits
        return json.dumps(_finite(document), separators=(",", ":")).encode() + b"\n"


def hashed(rows: Sequence[Sequence[Any]] | np.ndarray, *, places: Sequence[int], key: bytes) -> list[list[Any]]:
    """The rows with hashes in these places: equal values have equal ones, which nobody without the key can guess from.

    What is missing stays so. Raises ValueError without a key.
    """
    if not key:
        raise ValueError("there is no key to hash by")
    found = [list(row) for row in (rows.tolist() if isinstance(rows, np.ndarray) else rows)]
    for row in found:
        for place in places:
            row[place] = _hash(row[place], key)
    return found


def _hash(value: Any, key: bytes) -> str | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):  # 1 and 1.0 are one value, whichever protocol brought it
        if not math.isfinite(value):
            return None
        value = int(value) if value.is_integer() else value
    if value is None:
        return None
    return hmac.digest(key, str(value).encode("utf-8", "surrogatepass"), "sha256").hex()[:_HASH_LENGTH]


def _told(violations: Sequence[Violation]) -> dict[str, Any]:
    told = [{"row": each.row, "column": each.column, "rule": each.rule} for each in violations[:MOST_VIOLATIONS]]
    left = len(violations) - len(told)
    return {"violations": told} | ({"violations_left_off": left} if left else {})


def _plain(value: Any) -> Any:
    """A value that JSON has no word for, in one that it has."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _finite(value.tolist())
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
