"""An audit for people: the verdict and what to do first, then everything it rests on."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlgit.registry.audit import AuditGap, Evidence, Place, Stay, Trust, gaps, gate, kind, moment
from mlgit.registry.audit_document import metric, metric_names
from mlgit.registry.event import Event
from mlgit.registry.facts import Step
from mlgit.render.markdown import code_span, markdown_table, markdown_text, readable
from mlgit.render.text import count, few, number, plain, size
from mlgit.revision.values import flatten

_PLACES: dict[Place, str] = {
    "cache": "in the cache",
    "git": "in the commit",
    "workspace": "in the workspace only",
    "remote": "in the DVC remote",
    "damaged": "damaged in the DVC remote, and nowhere else",
    "gone": "GONE",
    "unknown": "not known",
}
_TRUST: dict[Trust, str] = {"good": "good", "bad": "BAD", "unknown": "by an unknown key", "none": "not signed"}


_table = functools.partial(markdown_table, escape=readable)


def render_audit(evidence: Evidence) -> str:
    """The whole audit as Markdown; text from the repository is escaped. It ends with a line end."""
    sections = (
        *(
            _verdict,
            _requests,
            _model,
            _environments,
            _approvals,
            _gate,
            _data,
            _steps,
            _evaluation,
            _code,
            _parameters,
            _metrics,
        ),
        *(_leakage, _card, _later, _foot),
    )
    found = ["\n".join(section(evidence)) for section in sections]
    return "\n\n".join(each for each in found if each) + "\n"


def _verdict(evidence: Evidence) -> Iterator[str]:
    found = gaps(evidence)
    yield f"# Audit of {readable(evidence.name)}"
    yield ""
    yield f"**GAPS: {len(found)}**" if found else "**PROVEN**"
    yield from _gap_rows(found)
    if evidence.question.matched:
        yield ""
        yield f"Asked: {readable(evidence.question.asked)}, which is {readable(evidence.question.matched)}."


def _gap_rows(found: tuple[AuditGap, ...]) -> Iterator[str]:
    if found:
        yield ""
    for each in found:
        yield f"- {readable(each.what)}" + (f". To do: {commands(each.todo)}" if each.todo else "")


def commands(text: str) -> str:
    """Words with commands in backticks, which can be typed as they are; words between them are never code."""
    parts = plain(text).split("`")
    if len(parts) % 2 == 0:
        return readable(text)
    return "".join(code_span(part) if place % 2 else _between(part) for place, part in enumerate(parts))


def _between(words: str) -> str:
    """Words in the middle of a line: a space at an end is no markup there."""
    bare = words.strip(" ")
    safe = markdown_text(bare)
    return safe if not bare else words[: len(words) - len(words.lstrip(" "))] + safe + words[len(words.rstrip(" ")) :]


def _requests(evidence: Evidence) -> Iterator[str]:
    found = evidence.requests
    if not found:
        return
    yield "## Request" if found.count == 1 else "## Requests"
    yield ""
    rows = [
        ("id", few(found.ids, total=found.count)),
        ("time", found.first if found.first == found.last else f"{found.first} to {found.last}"),
        ("answer", found.answer),
        ("role", _counted(found.roles)),
        ("code", _counted(found.codes)),
        ("model", f"sha256 {found.digest}" if found.digest else ""),
        ("log", found.where),
        *((f"in {each.holding.environment}", _stay(each, found.count)) for each in found.stays),
    ]
    yield _table(("", ""), [row for row in rows if row[1]])


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(name if len(counts) == 1 else f"{name} ({number_of})" for name, number_of in counts.items())


def _stay(each: Stay, total: int) -> str:
    """Who put the version there, why, and what judged it; how many requests that is about, where not all are."""
    since = each.holding.since
    reason = f": {since.body.reason}" if since.body.reason else ""
    judged = gate(since).get("result")
    parts = [f"{kind(since)} by {_who(since)} on {_when(since)} ({since.ref}){reason}"]
    parts += [f"gate: {judged}"] if judged else []
    parts += [f"POLICY OVERRIDDEN: {each.holding.override}"] if each.holding.override else []
    parts += [count(each.requests, "request")] if each.requests != total else []
    parts += [f"{each.late} in the moments after it was replaced"] if each.late else []
    return "; ".join(parts)


def _model(evidence: Evidence) -> Iterator[str]:
    model, said = evidence.facts.model, evidence.recorded.model
    sha256 = model.sha256 or (said.sha256 if said else "")
    rows = [
        ("path", model.path),
        ("md5", model.md5 or "not recorded"),
        ("sha256", sha256 + ("" if model.sha256 else " (as the tag says)") if sha256 else "not known"),
        ("size", "not known" if model.size is None else size(model.size)),
        ("format", model.format or (said.format if said else "") or "not known"),
        ("runs code when loaded", _executes(evidence)),
        ("holds for the loader", model.loader),
        ("bytes", _PLACES[evidence.place_of_model]),
        ("description", evidence.facts.description),
    ]
    yield "## Model"
    yield ""
    yield _table(("", ""), [row for row in rows if row[1]])
    for finding in model.findings:
        yield f"\n- {readable(finding)}"


def _executes(evidence: Evidence) -> str:
    model = evidence.facts.model
    if model.executes_code is None:
        return "not known, for the bytes are not at hand"
    return "it can" if model.executes_code else "no"


def _environments(evidence: Evidence) -> Iterator[str]:
    yield "## Environments"
    yield ""
    if not evidence.holdings:
        yield "It was in none."
        return
    rows = [
        (
            each.environment,
            _when(each.since),
            _when(each.until) if each.until else "now",
            _who(each.since),
            each.since.body.reason,
            each.override or "none",
            _TRUST[evidence.trust.get(each.since.ref, "none")],
            each.since.ref,
            _ended(each.until),
        )
        for each in evidence.holdings
    ]
    yield _table(("environment", "from", "until", "by", "why", "override", "signature", "tag", "ended by"), rows)


def _ended(event: Event | None) -> str:
    if event is None:
        return ""
    reason = f": {event.body.reason}" if event.body.reason else ""
    return f"{kind(event)} by {event.author} ({event.ref}){reason}"


def _when(event: Event) -> str:
    return moment(event.time, event.zone)


def _who(event: Event) -> str:
    return f"{event.author} <{event.email}>"


def _approvals(evidence: Evidence) -> Iterator[str]:
    yield "## Approvals"
    yield ""
    if not evidence.approvals:
        yield "None."
        return
    rows = [(f"{each.by} <{each.email}>", moment(each.time), _TRUST[each.trust], each.ref) for each in evidence.approvals]
    yield _table(("by", "when", "signature", "tag"), rows)


def _gate(evidence: Evidence) -> Iterator[str]:
    yield "## Gate"
    judged = [(each.since, found) for each in evidence.holdings if (found := gate(each.since))]
    if not judged:
        yield ""
        yield "No result is recorded."
    for event, found in judged:
        compared = f", compared with {readable(str(found['baseline']))}" if found.get("baseline") else ""
        yield ""
        result = readable(str(found.get("result", "not known")))
        yield f"- {readable(event.name.environment)} ({readable(event.ref)}): **{result}**{compared}"
        yield from _rules(found.get("rules"))
        if isinstance(found.get("not_met"), list):
            yield f"    - not met: {readable(', '.join(map(str, found['not_met'])))}"


def _rules(rows: Any) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping):
            values = ", ".join(
                f"{key} {_shown(row[key])}" for key in ("value", "baseline", "delta", "low", "high") if key in row
            )
            found = str(row.get("outcome", ""))
            result = str(row.get("result", ""))
            words = (str(row.get("id", "")), str(row.get("metric", "")), result, found if found != result else "", values)
            yield f"    - {', '.join(readable(word) for word in words if word)}"


def _data(evidence: Evidence) -> Iterator[str]:
    yield "## Data"
    yield ""
    rows = [
        (
            f"{each.role} ({each.test_set})" if each.test_set else each.role,
            each.path,
            each.md5 or "not known",
            "" if each.size is None else size(each.size),
            "" if each.rows is None else str(each.rows),
            _PLACES[evidence.places.get(each.path, "gone")],
        )
        for each in sorted(evidence.facts.data, key=lambda each: (_ROLES.index(each.role), each.path))
    ]
    yield _table(("role", "path", "md5", "size", "rows", "bytes"), rows, right=(3, 4)) if rows else "None is declared."


_ROLES = ("train", "test", "source", "other")


def _steps(evidence: Evidence) -> Iterator[str]:
    yield "## Stages, from the raw sources to the model"
    yield ""
    yield from _step_rows(evidence.facts.steps)
    if not evidence.facts.steps:
        yield "No stage makes the model."


def _evaluation(evidence: Evidence) -> Iterator[str]:
    if evidence.facts.evaluation:
        yield "## Stages, from the model to metrics and predictions"
        yield ""
        yield from _step_rows(evidence.facts.evaluation)


def _step_rows(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        yield f"- **{readable(step.name)}**: {readable(step.cmd)}"
        yield from (f"    - reads {readable(path)} ({readable(md5)})" for path, md5 in step.deps.items())
        yield from (f"    - writes {readable(path)} ({readable(md5)})" for path, md5 in step.outs.items())


def _code(evidence: Evidence) -> Iterator[str]:
    code = evidence.code
    merged = {True: f"part of {code.branch}", False: f"not part of {code.branch}", None: "not known whether merged"}
    yield "## Code and environment"
    yield ""
    rows = [
        ("commit", code.commit),
        ("subject", code.subject),
        ("author", f"{code.author} <{code.email}>, {moment(code.time)}"),
        ("branch", merged[code.is_merged]),
        ("signature", _TRUST[code.trust]),
        *((path, f"sha256 {digest}") for path, digest in evidence.facts.environment.items()),
    ]
    yield _table(("", ""), rows)


def _parameters(evidence: Evidence) -> Iterator[str]:
    yield "## Parameters"
    yield ""
    rows = [(name, _shown(value)) for name, value in flatten(evidence.facts.params) if name]
    yield _table(("parameter", "value"), rows) if rows else "None is declared."


def _metrics(evidence: Evidence) -> Iterator[str]:
    yield "## Metrics"
    yield ""
    test = ", ".join(f"{each.path} ({each.md5})" for each in evidence.facts.with_role("test")) or "not declared"
    rows = []
    for name in metric_names(evidence):
        found = metric(evidence, name)
        rows.append((name, number(found["value"]), _shown(found.get("ci95", "")), _shown(found.get("n", ""))))
    yield _table(("metric", "value", "95% interval", "rows"), rows) if rows else "None."
    yield ""
    yield f"Test data: {readable(test)}"
    for each in evidence.facts.tests:
        told = ", ".join(f"{one.path} ({one.md5})" for one in each.test) or "not declared"
        yield f"\nTest data of {readable(each.name)}: {readable(told)}"
    for said in evidence.facts.prediction_files:
        place = _PLACES[evidence.places.get(said.path, "gone")]
        yield ""
        yield f"Predictions: {readable(f'{said.path} ({said.md5})')}, {place}"


def _leakage(evidence: Evidence) -> Iterator[str]:
    leak = evidence.leak
    yield "## Leakage"
    yield ""
    if leak.unchecked:
        yield f"Not checked: {readable(leak.unchecked)}."
    else:
        yield f"{leak.found} of {count(leak.rows, 'test row')} in the training data."


def _card(evidence: Evidence) -> Iterator[str]:
    path = evidence.recorded.card[0]
    if path or evidence.card:
        yield "## Card"
        yield ""
        yield f"{readable(path)}, blob {readable(evidence.card or 'not in the commit')}"


def _later(evidence: Evidence) -> Iterator[str]:
    yield "## Events"
    yield ""
    rows = [
        (_when(each), kind(each), each.name.environment, _who(each), each.body.reason, _TRUST[trust], each.ref)
        for each in (evidence.registration, *evidence.later)
        for trust in (evidence.trust.get(each.ref, "none"),)
    ]
    yield _table(("when", "event", "environment", "by", "why", "signature", "tag"), rows)
    yield ""
    state = "The chain of events is whole." if not evidence.chain else "The chain of events is broken: see the gaps."
    yield f"{state} Names and times in tags and commits are what their writers said; only a signature proves who wrote one."


def _foot(evidence: Evidence) -> Iterator[str]:
    yield f"Make it again: {readable(evidence.reproduce)}"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value)
