"""What is written into a tag's body as facts: digests, metrics, the gate's outcome, and the event before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlgit.gate.rule_result import RuleResult
from mlgit.registry.facts import DataFile, Facts
from mlgit.registry.policy import Approval, Check, Outcome, counts_as

Kind = Literal["register", "assign", "rollback", "unassign", "deregister", "deprecate", "approve"]
# How many of each there are in a body, so that it stays near 4 KB: the commit has them all.
_MOST = {"data": 12, "other_predictions": 12, "metrics": 16, "rules": 12, "approvals": 12, "findings": 4}
_ORDER = {"test": 0, "train": 1, "source": 2, "other": 3}


@dataclass(frozen=True, slots=True)
class Gate:
    """What policy said: the version compared with ('' for none), the commit whose mlgit.yaml asked, rules and checks."""

    outcome: Outcome
    config: str
    baseline: str = ""
    rules: tuple[RuleResult, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class ComputedMetric:
    """The value of a metric that was computed from predictions; `name` is METRIC@SET where it is of a further test set."""

    name: str
    value: float
    test_set: str = ""


def facts(event: Kind, *, version: str = "", previous: str = "") -> dict[str, Any]:
    """What every event says; `previous` is `TAG OID` of the artifact's event before it."""
    return {"mlgit": 1, "event": event} | _given({"version": version, "previous": previous})


def evidence(found: Facts, *, card: tuple[str, str] | None = None, computed: Iterable[ComputedMetric] = ()) -> dict[str, Any]:
    """What a version is: the model's file, the data it comes from, and its metrics. `card` is path and blob id.

    `computed` are the metrics that predictions give, and that stand in no file.
    """
    model = found.model
    rows = sorted(found.data, key=lambda each: (_ORDER[each.role], each.test_set, each.path))
    described = {"sha256": model.sha256, "size": model.size, "format": model.format, "executes_code": model.executes_code}
    described |= {"loader": model.loader}
    written: dict[str, Any] = {"model": {"path": model.path, "md5": model.md5} | _given(described)}
    if model.findings:
        written["model"]["findings"] = list(model.findings[: _MOST["findings"]])
    written |= _cut("data", [_data(each) for each in rows])
    written |= _metrics(found, computed)
    said = [_data(each) for each in found.prediction_files if each.md5]
    if said:
        written["predictions"] = said[0]
    written |= _cut("other_predictions", said[1:])
    return written | ({"card": {"path": card[0], "blob": card[1]}} if card else {})


def _data(each: DataFile) -> dict[str, Any]:
    known = {"size": each.size, "n_files": each.n_files, "rows": each.rows}
    return {"path": each.path, "md5": each.md5, "role": each.role} | _given(known | {"test_set": each.test_set})


def _metrics(found: Facts, computed: Iterable[ComputedMetric]) -> dict[str, Any]:
    rows = {name: {"value": value} | _measured_on(found.with_role("test")) for name, value in found.metrics.items()}
    for each in computed:
        test = next((one.test for one in found.tests if one.name == each.test_set), found.with_role("test"))
        rows[each.name] = {"value": each.value} | _measured_on(test) | {"from": "rows"}
    finite = {name: row for name, row in rows.items() if math.isfinite(row["value"])}  # JSON has no word for others
    kept = {name: finite[name] for name in list(finite)[: _MOST["metrics"]]}
    left = len(rows) - len(kept)
    return ({"metrics": kept} if kept else {}) | ({"metrics_left_out": left} if left else {})


def _measured_on(test: Sequence[DataFile]) -> dict[str, Any]:
    known: dict[str, Any] = {"split": "test"} if test else {}
    return known | (_given({"data": test[0].md5, "n": test[0].rows}) if len(test) == 1 else {})


def gate(found: Gate) -> dict[str, Any]:
    """The `gate` entry: who was compared with whom, what each rule said, and what else did not pass."""
    written = {"result": found.outcome, "config": found.config} | _given({"baseline": found.baseline})
    written |= _cut("rules", [_rule(each) for each in found.rules])
    failed = [each.name for each in found.checks if not each.ok]
    recorded = [each.id for each in found.rules if each.is_recorded][: _MOST["rules"]]
    named = {"not_met": failed, "recorded_only": recorded}
    return {"gate": written | {key: names for key, names in named.items() if names}}


def _rule(each: RuleResult) -> dict[str, Any]:
    delta = None if each.delta is None else round(each.delta, 12)
    values = {"value": each.current, "baseline": each.baseline, "delta": delta, "low": each.low, "high": each.high}
    finite = {key: value for key, value in values.items() if value is not None and math.isfinite(value)}
    named = _given({"id": each.id, "metric": each.metric, "path": each.path})
    return named | {"result": counts_as(each), "outcome": each.outcome} | finite


def approvals(found: Sequence[Approval]) -> dict[str, Any]:
    """The `approvals` entry: who, and the tag that says so."""
    rows = [{"by": each.person, "tag": each.ref, "oid": each.oid, "signed": bool(each.signer)} for each in found]
    return _cut("approvals", rows)


def _cut(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The first of a list, and how many were left out."""
    kept = rows[: _MOST[name]]
    left = len(rows) - len(kept)
    return ({name: kept} if kept else {}) | ({f"{name}_left_out": left} if left else {})


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are known."""
    return {key: value for key, value in values.items() if value not in ("", None)}
