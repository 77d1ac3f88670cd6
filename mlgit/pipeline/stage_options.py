"""What a stage asks of the run, in `meta: {mlgit: ...}` of dvc.yaml: DVC passes it over, and it is not in the lock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlgit.errors import MlgitError
from mlgit.pipeline.model import NOTHING
from mlgit.schema import Either, Integer, Key, ListOf, MapOf, Number, Table, Text, check

_DURATION = r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d)"
_AMOUNT = r"[0-9]+(?:\.[0-9]+)?[KMGT]?i?B?"
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}

_RESOURCES = MapOf(Either((Number(minimum=0), Text(pattern=_AMOUNT))), key_pattern=r"[A-Za-z_][A-Za-z0-9_]*")
SCHEMA = Table(
    (
        Key("timeout", Either((Number(minimum=0), Text(pattern=_DURATION))), "end the stage after this time: 30m, 90s, 2h"),
        Key("retries", Integer(minimum=0), "run the stage so many times more when it fails"),
        Key(
            "retry_delay", Either((Number(minimum=0), Text(pattern=_DURATION))), "the wait before the first retry, then doubled"
        ),
        Key("mutex", Either((Text(), ListOf(Text()))), "names of which only one stage at a time may hold each"),
        Key("resources", _RESOURCES, "what the stage takes while it runs: cpus, memory (4G), gpus, or names of your own"),
        Key("env", MapOf(Either((Text(), Number())), key_pattern=r"[A-Za-z_][A-Za-z0-9_]*"), "environment variables"),
    )
)


class Control(NamedTuple):
    """How a stage wants to be run: times in seconds, memory in bytes."""

    timeout: float | None = None
    retries: int = 0
    retry_delay: float = 1.0
    mutex: frozenset[str] = frozenset()
    resources: Mapping[str, float] = NOTHING
    env: Mapping[str, str] = NOTHING


PLAIN = Control()


def parse(meta: Mapping[str, Any], *, name: str, stage: str) -> Control:
    """The control in a stage's `meta`.

    Raises MlgitError, as `dvc.yaml: stages.train.meta.mlgit.key: what`, for anything the table does not allow.
    """
    declared = meta.get("mlgit")
    if declared is not None:
        check(declared, SCHEMA, name=name, path=f"stages.{stage}.meta.mlgit")
    return of(meta)


def of(meta: Mapping[str, Any]) -> Control:
    """The control in a `meta` that was checked, as that of every stage that was read is."""
    declared = meta.get("mlgit")
    if declared is None:
        return PLAIN
    mutex = declared.get("mutex", [])
    return Control(
        timeout=duration(declared["timeout"]) if "timeout" in declared else None,
        retries=declared.get("retries", 0),
        retry_delay=duration(declared.get("retry_delay", 1)),
        mutex=frozenset([mutex] if isinstance(mutex, str) else mutex),
        resources={resource: amount(value) for resource, value in declared.get("resources", {}).items()},
        env={variable: str(value) for variable, value in declared.get("env", {}).items()},
    )


def duration(value: float | str) -> float:
    """Seconds in a number or in a text as `90s`, `30m`, `2h`."""
    if not isinstance(value, str):
        return float(value)
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h|d)", value).groups()  # type: ignore[union-attr]
    return float(number) * _SECONDS[unit]


def amount(value: float | str) -> float:
    """A number, or one with a unit: `4G` is 4 * 1024 ** 3."""
    if not isinstance(value, str):
        return float(value)
    number, unit = re.fullmatch(r"([0-9.]+)([KMGT]?)i?B?", value).groups()  # type: ignore[union-attr]
    return float(number) * float(1024 ** _POWERS[unit])


def parse_resources(texts: tuple[str, ...]) -> dict[str, float]:
    """Totals given as `gpus=2` or `memory=64G,cpus=8`.

    Raises MlgitError for a text of another form.
    """
    found = {}
    for each in (part for text in texts for part in text.split(",") if part):
        resource, equals, value = each.partition("=")
        if not equals or not resource.isidentifier() or not re.fullmatch(_AMOUNT, value):
            raise MlgitError(
                f"--resources: '{each}' is not of the form NAME=AMOUNT", "for example `--resources gpus=2,memory=16G`"
            )
        found[resource] = amount(value)
    return found


def refuse_impossible(wanted: Mapping[str, float], totals: Mapping[str, float], *, where: str) -> None:
    """Raise MlgitError for a resource that a stage wants more of than there is. CPUs are not counted: they are shared."""
    for resource, value in wanted.items():
        if resource != "cpus" and value > totals.get(resource, 0.0):
            raise MlgitError(
                f"{where}.meta.mlgit.resources.{resource}: the stage wants {value:g}, there is {totals.get(resource, 0.0):g}",
                f"ask for less, or say what there is: `--resources {resource}={value:g}`",
            )
