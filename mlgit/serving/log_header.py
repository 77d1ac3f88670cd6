"""The first line of a file of the prediction log, and how moments and ids are written there.

A file holds one version's answers. Its first line says which version, and what the values of a row are called, so that the
others hold values only.
"""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

SCHEMA = 1
KIND = "header"
Role = Literal["champion", "canary", "shadow"]

_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
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


def uuid7(milliseconds: int, *, entropy: bytes) -> str:
    """An id that tells when it was made (RFC 9562, version 7); of `entropy`, ten bytes, 74 bits are its chance."""
    when, chance = f"{milliseconds:012x}", entropy.hex()
    variant = _VARIANTS[chance[3]]
    return f"{when[:8]}-{when[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[7:19]}"
