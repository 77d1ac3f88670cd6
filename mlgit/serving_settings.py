"""The keys of mlgit.yaml under `serving:`. How a model is served; where, by whom and with whose trust the command line says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mlgit.errors import MlgitError
from mlgit.schema import Integer, Key, Number, Table, Text

SCHEMA = Table(
    (
        Key("contract", Text(), "the contract of a request; default: that of the first `train` path under `data:`"),
        Key("predict", Text(choices=("predict", "predict_proba")), "what /invocations answers, default predict"),
        Key("recorded", Text(), "the column of `predictions` that answers are tried against, default that of the model"),
        Key("invalid", Text(choices=("reject", "flag")), "what becomes of input that breaks the contract, default reject"),
        Key(
            "log",
            Table(
                (
                    Key("path", Text(), "the folder of the prediction log, default logs/NAME"),
                    Key(
                        "level",
                        Text(choices=("required", "best-effort", "off")),
                        "required (default): what cannot be logged is not answered",
                    ),
                    Key(
                        "durability",
                        Text(choices=("write", "fsync", "none")),
                        "write (default): survives the process; fsync: survives the machine; none: may be lost",
                    ),
                )
            ),
            "the record of every answer",
        ),
        Key(
            "limits",
            Table(
                (
                    Key("rows", Integer(minimum=1), "rows of one request, default 1000"),
                    Key("body", Text(pattern=r"[1-9][0-9]{0,8}(B|KiB|MiB|GiB)"), "size of one request, default 1MiB"),
                    Key("seconds", Number(minimum=0.001, maximum=3600), "how long one answer may take, default 30"),
                )
            ),
            "what one request may ask for",
        ),
        Key(
            "shadow",
            Table((Key("environment", Text(), "whose version is asked the same, and answers nobody", required=True),)),
            "a version on trial, unseen",
        ),
        Key(
            "canary",
            Table(
                (
                    Key("environment", Text(), "whose version answers a share of the requests", required=True),
                    Key("share", Text(pattern=r"(100|[0-9]{1,2}(\.[0-9]{1,2})?)%"), "how many, as 5%", required=True),
                    Key("key", Text(), "request_id (default), or the input column that chooses"),
                )
            ),
            "a version on trial, for a share of the requests",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class ServingLog:
    """Where answers are written down, whether one may be given that cannot be, and what that record survives."""

    path: str = ""
    level: Literal["required", "best-effort", "off"] = "required"
    durability: Literal["write", "fsync", "none"] = "write"


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """What one request may ask for: rows, bytes, and seconds."""

    rows: int = 1000
    body: int = 1 << 20
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Canary:
    """The environment whose version answers a share of the requests (0 to 1), chosen by the request's id or an input column."""

    environment: str
    share: float
    key: str = "request_id"


@dataclass(frozen=True, slots=True)
class Serving:
    """How a model is served; `contract` is '' where the one of its training data counts, `shadow` an environment or ''.

    `recorded` is the column of its predictions that holds what it answers, '' where that is the prediction it is judged by.
    """

    model: str
    contract: str = ""
    predict: Literal["predict", "predict_proba"] = "predict"
    invalid: Literal["reject", "flag"] = "reject"
    log: ServingLog = field(default_factory=ServingLog)
    limits: ServingLimits = field(default_factory=ServingLimits)
    shadow: str = ""
    canary: Canary | None = None
    recorded: str = ""


_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def parse(name: str, declared: Mapping[str, Any], *, where: str = "", environments: Sequence[str] = ()) -> Serving:
    """How an artifact is served, by a checked document; `environments` are those that are declared.

    Raises MlgitError for an environment that is not.
    """
    log, limits, canary = declared.get("log", {}), dict(declared.get("limits", {})), declared.get("canary")
    for key in ("shadow", "canary"):
        environment = declared.get(key, {}).get("environment", "")
        if environment and environment not in environments:
            raise MlgitError(
                f"{where}.{key}.environment: '{environment}' is not declared under `environments:`",
                f"add `- {{name: {environment}}}` there",
            )
    if "body" in limits:
        digits = limits["body"].rstrip("BKMGi")
        limits["body"] = int(digits) * _UNITS[limits["body"][len(digits) :]]
    return Serving(
        name,
        declared.get("contract", ""),
        declared.get("predict", "predict"),
        declared.get("invalid", "reject"),
        ServingLog(**{"path": f"logs/{name.rpartition(':')[2]}"} | log),
        ServingLimits(**limits),
        declared.get("shadow", {}).get("environment", ""),
        Canary(canary["environment"], float(canary["share"][:-1]) / 100, canary.get("key", "request_id")) if canary else None,
        declared.get("recorded", ""),
    )


def of_document(document: Mapping[str, Any]) -> Serving:
    """How a model is served, as a release says that was made of it: the values of `Serving` by name."""
    canary = document.get("canary")
    return Serving(
        **{
            **document,
            "log": ServingLog(**document["log"]),
            "limits": ServingLimits(**document["limits"]),
            "canary": Canary(**canary) if canary else None,
        }
    )
