"""Brings together a record that two clones wrote apart: nothing that either logged is lost, and both come to the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlgit.experiments.run_codec import number_in

_ABSENT = object()


def merge(base: Mapping[str, Any], older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record, as JSON, from those of both sides and of the last commit that both know ({} for none).

    What one side changed counts; where both did, `newer` does. Lists have what either has, points of metrics the latest.
    """
    found: dict[str, Any] = {}
    for key in {**older, **newer}:
        rule = _RULES.get(key, _merged)
        each = rule(base.get(key, _ABSENT), older.get(key, _ABSENT), newer.get(key, _ABSENT))
        if each is not _ABSENT:
            found[key] = each
    return found


def lines(older: bytes, newer: bytes) -> bytes:
    """The lines that either has, each once."""
    every = dict.fromkeys([*older.splitlines(), *newer.splitlines()])
    return b"".join(each + b"\n" for each in every)


def _merged(base: Any, older: Any, newer: Any) -> Any:
    if older in (newer, base):
        return newer
    if newer == base:
        return older
    if isinstance(older, dict) and isinstance(newer, dict):
        return merge(base if isinstance(base, dict) else {}, older, newer)
    if isinstance(older, list) and isinstance(newer, list):
        gone = [each for each in base if each not in older or each not in newer] if isinstance(base, list) else []
        return [each for each in _union(older, newer) if each not in gone]
    return newer if newer is not _ABSENT else older


def _union(older: Iterable[Any], newer: Iterable[Any]) -> list[Any]:
    found = list(older)
    return [*found, *(each for each in newer if each not in found)]


def _order(point: list[Any]) -> tuple[int, int, float]:
    value = number_in(point[0])
    return (point[2], point[1], value if value == value else 0.0)


def _latest(base: Any, older: Any, newer: Any) -> Any:
    """Points by key, as [value, time, step]: the latest of each."""
    found = dict(older if isinstance(older, dict) else {})
    for key, point in (newer if isinstance(newer, dict) else {}).items():
        found[key] = max(found.get(key, point), point, key=_order)
    return found


def _latest_of_models(base: Any, older: Any, newer: Any) -> Any:
    """Points as rows that begin with their key: the latest of each key, model and dataset."""
    found: dict[tuple[str, ...], list[Any]] = {}
    for row in [*(older if isinstance(older, list) else []), *(newer if isinstance(newer, list) else [])]:
        key = (row[0], *row[4:6])
        found[key] = max(found.get(key, row), row, key=lambda each: _order(each[1:]))
    return list(found.values())


_RULES = {"metrics": _latest, "model_metrics": _latest_of_models}
