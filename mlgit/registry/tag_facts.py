"""What the body of a tag says about a version. Anybody can write a tag, so nothing in it is taken at its word's shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from mlgit.registry.event import Event
from mlgit.registry.facts import DataFile, ModelFile, Role

_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """The facts of a tag as far as they are what they should be; `card` is its path and blob id, '' where there is none.

    `metrics` hold a value and what else is said of it (`ci95`, `n`, `split`, `data`) by name.
    """

    model: ModelFile | None = None
    data: tuple[DataFile, ...] = ()
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)
    card: tuple[str, str] = ("", "")
    predictions: DataFile | None = None
    override: str = ""
    other_predictions: tuple[DataFile, ...] = ()

    @property
    def md5s(self) -> frozenset[str]:
        """Every digest of DVC that is named."""
        return frozenset(each.md5 for each in (self.model, *self.prediction_files, *self.data) if each)

    @property
    def values(self) -> dict[str, float]:
        """The metrics that are numbers."""
        return {name: float(row["value"]) for name, row in self.metrics.items() if _is_number(row.get("value"))}

    @property
    def computed(self) -> dict[str, float]:
        """Those among them that no file had: they were computed from predictions."""
        return {name: value for name, value in self.values.items() if self.metrics[name].get("from") == "rows"}

    @property
    def prediction_files(self) -> tuple[DataFile, ...]:
        """All files of predictions that are named."""
        return (*([self.predictions] if self.predictions else []), *self.other_predictions)


def read(event: Event) -> Recorded:
    """The facts of an event's tag; empty where it has none."""
    facts = event.body.facts
    card = _mapping(facts.get("card"))
    override = facts.get("override")
    reason = _mapping(override).get("reason") if isinstance(override, Mapping) else override
    return Recorded(
        _model(_mapping(facts.get("model"))),
        _data_files(facts.get("data")),
        {str(name): _metric(value) for name, value in list(_mapping(facts.get("metrics")).items())[:_MOST]},
        _mapping(facts.get("gate")),
        (_text(card.get("path")), _text(card.get("blob"))),
        _data_file(_mapping(facts.get("predictions"))),
        reason if isinstance(reason, str) else "",
        _data_files(facts.get("other_predictions")),
    )


def _data_files(rows: Any) -> tuple[DataFile, ...]:
    found = (_data_file(_mapping(row)) for row in (rows if isinstance(rows, list) else [])[:_MOST])
    return tuple(each for each in found if each)


def _mapping(value: Any) -> Mapping[str, Any]:
    return {str(key): inner for key, inner in value.items()} if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _inside(path: Any) -> str:
    """A path that stays in the project, else ''."""
    text = _text(path)
    return "" if text.startswith(("/", "~")) or ".." in text.split("/") or "\0" in text else text


def _digest(value: Any, pattern: re.Pattern[str]) -> str:
    text = _text(value)
    return text if pattern.fullmatch(text) else ""


def _model(row: Mapping[str, Any]) -> ModelFile | None:
    path, md5 = _inside(row.get("path")), _digest(row.get("md5"), _MD5)
    if not path or not md5:
        return None
    findings = row.get("findings")
    executes = row.get("executes_code")
    return ModelFile(
        path,
        md5,
        _count(row.get("size")),
        _digest(row.get("sha256"), _SHA256),
        _text(row.get("format")),
        executes if isinstance(executes, bool) else None,
        tuple(map(str, findings[:_MOST])) if isinstance(findings, list) else (),
        _text(row.get("loader")),
    )


def _data_file(row: Mapping[str, Any]) -> DataFile | None:
    path, md5 = _inside(row.get("path")), _digest(row.get("md5"), _MD5)
    if not path or not md5:
        return None
    role: Role = row["role"] if row.get("role") in get_args(Role) else "other"
    sizes = _count(row.get("size")), _count(row.get("n_files"))
    return DataFile(path, md5, *sizes, role, _count(row.get("rows")), _text(row.get("test_set")))


def _metric(value: Any) -> Mapping[str, Any]:
    """A value alone, or one with interval, number of rows and test data."""
    return _mapping(value) if isinstance(value, Mapping) else {"value": value}
