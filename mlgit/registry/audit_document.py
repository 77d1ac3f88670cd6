"""An audit as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgit.registry.audit import Evidence, Place, Trust, gaps, gate, kind, moment
from mlgit.registry.event import Event
from mlgit.registry.facts import DataFile, Step


def document(evidence: Evidence) -> dict[str, Any]:
    """The audit as the JSON document of `--format json`."""
    facts, code = evidence.facts, evidence.code
    found = gaps(evidence)
    return {
        "schema": 1,
        "verdict": "gaps" if found else "proven",
        "gaps": [{"what": each.what, "todo": each.todo} for each in found],
        "asked": evidence.question.asked,
        "matched": evidence.question.matched,
        "requests": _requests_row(evidence) if evidence.requests else None,
        "artifact": facts.artifact,
        "version": evidence.registration.name.version,
        "model": _model_row(evidence),
        "registered": _event_row(evidence.registration, evidence.trust),
        "environments": [
            {
                "environment": each.environment,
                "since": _event_row(each.since, evidence.trust),
                "until": _event_row(each.until, evidence.trust) if each.until else None,
                "override": each.override,
                "gate": dict(gate(each.since)),
            }
            for each in evidence.holdings
        ],
        "approvals": [
            {"by": each.by, "email": each.email, "time": moment(each.time), "signature": each.trust, "tag": each.ref}
            for each in evidence.approvals
        ],
        "data": [_data_row(each, evidence.places) for each in facts.data],
        "predictions": _data_row(facts.predictions, evidence.places) if facts.predictions else None,
        "other_predictions": [_data_row(each, evidence.places) for each in facts.prediction_files[1:]],
        "steps": [_step_row(step) for step in facts.steps],
        "evaluation": [_step_row(step) for step in facts.evaluation],
        "code": {
            "commit": code.commit,
            "author": code.author,
            "time": moment(code.time),
            "subject": code.subject,
            "branch": code.branch,
            "merged": code.is_merged,
            "signature": code.trust,
        },
        "params": dict(facts.params),
        "environment": dict(facts.environment),
        "metrics": {name: metric(evidence, name) for name in metric_names(evidence)},
        "leakage": {"found": evidence.leak.found, "rows": evidence.leak.rows, "unchecked": evidence.leak.unchecked},
        "card": {"path": evidence.recorded.card[0], "blob": evidence.card},
        "later": [_event_row(each, evidence.trust) for each in evidence.later],
        "reproduce": evidence.reproduce,
    }


def _requests_row(evidence: Evidence) -> dict[str, Any]:
    requests = evidence.requests
    assert requests
    return {
        "count": requests.count,
        "ids": list(requests.ids),
        "first": requests.first,
        "last": requests.last,
        "roles": dict(requests.roles),
        "codes": dict(requests.codes),
        "digest": requests.digest,
        "answer": requests.answer,
        "log": requests.where,
        "environments": [
            {
                "environment": each.holding.environment,
                "requests": each.requests,
                "late": each.late,
                "since": _event_row(each.holding.since, evidence.trust),
            }
            for each in requests.stays
        ],
    }


def metric_names(evidence: Evidence) -> list[str]:
    """The metrics of the commit's file, then those that were computed from predictions when the version was registered."""
    return list(dict.fromkeys([*evidence.facts.metrics, *evidence.recorded.computed]))


def metric(evidence: Evidence, name: str) -> dict[str, Any]:
    """A metric's value with what the tag says of it: interval, rows, test data; one of no file is the tag's altogether."""
    said = {key: value for key, value in evidence.recorded.metrics.get(name, {}).items() if key != "value"}
    own = evidence.facts.metrics.get(name)
    return {"value": evidence.recorded.computed[name] if own is None else own, **said}


def _model_row(evidence: Evidence) -> dict[str, Any]:
    model, said = evidence.facts.model, evidence.recorded.model
    return {
        "path": model.path,
        "md5": model.md5,
        "sha256": model.sha256 or (said.sha256 if said else ""),
        "size": model.size,
        "format": model.format or (said.format if said else ""),
        "executes_code": model.executes_code,
        "findings": list(model.findings),
        "loader": model.loader,
        "place": evidence.place_of_model,
    }


def _data_row(each: DataFile, places: Mapping[str, Place]) -> dict[str, Any]:
    return {
        "path": each.path,
        "role": each.role,
        "test_set": each.test_set,
        "md5": each.md5,
        "size": each.size,
        "files": each.n_files,
        "rows": each.rows,
        "place": places.get(each.path, "gone"),
    }


def _step_row(step: Step) -> dict[str, Any]:
    return {"name": step.name, "cmd": step.cmd, "deps": dict(step.deps), "outs": dict(step.outs), "params": dict(step.params)}


def _event_row(event: Event, trust: Mapping[str, Trust]) -> dict[str, Any]:
    return {
        "tag": event.ref,
        "oid": event.oid,
        "event": kind(event),
        "environment": event.name.environment,
        "by": event.author,
        "email": event.email,
        "time": moment(event.time, event.zone),
        "reason": event.body.reason,
        "signature": trust.get(event.ref, "none"),
    }
