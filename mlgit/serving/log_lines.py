"""What is written down of an answer: the first line of a file of the log, and one line for each request.

A file holds one version's answers. Its first line says which version, and what the values of a row are called, so that the
others hold values only.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from mlgit import lazy_numpy as np
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.rows import Violation

SCHEMA = 1
KIND = "header"
Role = Literal["champion", "canary", "shadow"]

# A request of a thousand rows can break thirty thousand rules: what is said of it is bounded.
MOST_VIOLATIONS = 100
_HASH_LENGTH = 16
_MILLISECONDS = [f".{each:03d}Z" for each in range(1000)]


@dataclass(frozen=True, slots=True)
class LogHeader:
    """What holds for all lines of a file: the version that answers, and what the values of its rows are.

    `digest` and `contract` are SHA-256 of the model and of its contract ('' where there is none); `columns` name the values of
    a row, `types` are the contract's for them ('' where it has none), `hashed` those of which only hashes are written;
    `outputs` is what the model can be asked, `classes` the labels of its probabilities.
    """

    model: str
    version: str
    commit: str
    digest: str
    contract: str = ""
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    classes: tuple[Any, ...] = ()

    @property
    def line(self) -> bytes:
        """The first line of a file."""
        said = asdict(self) | {"contract": self.contract or None}
        return json.dumps({"schema": SCHEMA, "kind": KIND} | said, separators=(",", ":")).encode() + b"\n"

    @property
    def places(self) -> tuple[int, ...]:
        """Where in a row the values stand of which only hashes are written."""
        return tuple(place for place, column in enumerate(self.columns) if column in self.hashed)


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
    import orjson

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
    import hmac

    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):  # 1 and 1.0 are one value, whichever protocol brought it
        if not math.isfinite(value):
            return None
        value = int(value) if value.is_integer() else value
    if value is None:
        return None
    return hmac.digest(key, str(value).encode("utf-8", "surrogatepass"), "sha256").hex()[:_HASH_LENGTH]


def stamp(seconds: float) -> str:
    """A moment as RFC 3339 writes it, to the millisecond, in UTC."""
    whole = int(seconds)
    return _second(whole) + _MILLISECONDS[int((seconds - whole) * 1000)]


@functools.lru_cache(maxsize=4)
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).isoformat()[:19]


def hour_folder(hour: int) -> str:
    """The folder of an hour, counted from 1970: `2026-11-28T13`."""
    return _second(hour * 3600)[:13]


def uuid7(milliseconds: int, *, entropy: int) -> str:
    """An id that tells when it was made (RFC 9562, version 7); `entropy` are its 74 bits of chance."""
    high, low = (entropy >> 62) & 0xFFF, entropy & ((1 << 62) - 1)
    digits = f"{milliseconds & ((1 << 48) - 1):012x}{0x7000 | high:04x}{(1 << 63) | low:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


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
