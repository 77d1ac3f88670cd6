"""Audits answers: from what a prediction log says of requests to the version that answered, and what of it is proven."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlgit.commands import log_places, places
from mlgit.commands.model.audit import AuditResult, gathered
from mlgit.commands.model.resolve_version import ResolvedVersion
from mlgit.errors import MlgitError
from mlgit.registry import read, request_evidence, state, tag_facts
from mlgit.registry.audit import AuditGap, AuditQuestion
from mlgit.registry.request_evidence import AnsweredRequest
from mlgit.registry.state import Registry, Version
from mlgit.render.text import count, few
from mlgit.revision.revisions import Revisions
from mlgit.serving import log_reader, logged
from mlgit.serving.logged import LoggedRequest

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:/\d+)?", re.IGNORECASE)
_LONGEST_ANSWER = 200
_Key = tuple[str, str, str, str]  # what tells versions apart: model, version, commit, digest


@dataclass(frozen=True, slots=True)
class RequestAudit:
    """The audits of the versions that answered, in the order in which the log names them."""

    results: tuple[AuditResult, ...]

    @property
    def exit_code(self) -> int:
        """The worst of all: it cannot be told, then no, then yes."""
        return max(each.exit_code for each in self.results)

    def document(self) -> dict[str, Any]:
        """The audit of the one version, or all of them under `audits`."""
        if len(self.results) == 1:
            return self.results[0].document()
        verdict = "gaps" if self.exit_code else "proven"
        return {"schema": 1, "verdict": verdict, "audits": [each.document() for each in self.results]}

    def text(self, form: str = "md") -> str:
        """The answer in one of the formats. Raises MlgitError for several versions in a format that is about one."""
        if len(self.results) == 1:
            return self.results[0].text(form)
        if form == "json":
            return json.dumps(self.document(), indent=2, allow_nan=False)
        if form != "md":
            names = [each.subject for each in self.results]
            message = (
                f"the requests were answered by {len(names)} versions, and --format {form} is about one: {'; '.join(names)}"
            )
            raise MlgitError(message, "name one request, or type `mlgit model audit NAME@V` for each version")
        return "\n".join(f"{each.text(form).rstrip()}\n" for each in self.results)


def is_request(word: str) -> bool:
    """Whether a word that stands alone is to be taken for a request: a UUID with its dashes is."""
    return bool(_UUID.fullmatch(word))


def audit_requests(subject: str, *, logs: Sequence[str] = (), stdin: str = "") -> RequestAudit:
    """Which data, code and people stand behind answers: to the request with an id, in a line of a log, or in a file of lines.

    `subject` `-` means the lines in `stdin`. Ids are looked for in `logs`, without any in those of the project. Raises
    MlgitError where there is no log, no such request, or no line.
    """
    asked = _asked(subject, logs, stdin)
    root = read.root_of(Path.cwd())
    tags = read.tags(root)
    registry = state.fold(tags.events, faults=tags.faults)
    groups: dict[_Key, list[LoggedRequest]] = {}
    for each in asked.requests:
        groups.setdefault((each.header.model, each.version, each.header.commit, each.digest), []).append(each)
    return RequestAudit(tuple(_audited(root, registry, replace(asked, requests=tuple(each))) for each in groups.values()))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The requests that are meant: what they were asked for by, the log they are in, and what is doubtful about them."""

    subject: str
    requests: tuple[LoggedRequest, ...]
    where: str = ""
    doubts: tuple[AuditGap, ...] = ()


def _asked(subject: str, logs: Sequence[str], stdin: str) -> _Asked:
    if subject == "-" or subject.lstrip().startswith("{"):
        found = _parsed(stdin if subject == "-" else subject)
        return _Asked(f"{found[0].id} and others" if len(found) > 1 else found[0].id, *_with_log(found, logs))
    if Path(subject).is_file():
        found = list(log_reader.requests([Path(subject)]))
        if not found:
            raise MlgitError(f"{subject}: no line of a prediction log", "`mlgit serve` writes such files")
        return _Asked(subject, *_with_log(found, logs))
    paths = _logs(logs)
    found = log_reader.find(paths, subject)
    if not found:
        raise MlgitError(f"'{subject}': no such request in {_named(paths)}", "`--log PATH` names the log it is in")
    answers = tuple(each for each in found if each.role != "shadow")
    doubts = []
    if not answers:
        doubts.append(AuditGap("the log has only what a shadow said, which nobody was answered", "name the log it is not in"))
    if len({(each.version, each.digest) for each in answers}) > 1:
        doubts.append(AuditGap(f"{len(answers)} requests have this id, and several versions answered them", "see their times"))
    return _Asked(subject, answers or tuple(found), _named(paths), tuple(doubts))


def _logs(logs: Sequence[str]) -> list[Path]:
    return [path for each in logs or (None,) for path in log_places.logs(each)]


def _named(paths: Sequence[Path]) -> str:
    return few([os.path.relpath(each) for each in paths], most=3)


def _parsed(text: str) -> list[LoggedRequest]:
    header, found = None, []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            document = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise MlgitError(f"line {number}: not a line of a prediction log", "give it as it stands there") from error
        header = logged.header_of(document) or header
        if request := logged.request_of(document, header=header):
            found.append(request)
    if not found:
        raise MlgitError("no line of a prediction log", "give one as it stands there, with `id`, `ts`, `version` and `digest`")
    return found


def _with_log(found: list[LoggedRequest], logs: Sequence[str]) -> tuple[tuple[LoggedRequest, ...], str, tuple[AuditGap, ...]]:
    """Lines that came without the head of their file, as the log at hand has them, and how far it does."""
    try:
        paths = _logs(logs)
    except MlgitError:
        if logs:
            raise
        return tuple(found), "", ()
    known: list[LoggedRequest] = []
    strange: list[LoggedRequest] = []
    for each in found:
        same = [there for there in log_reader.find(paths, each.id) if _content(there) == _content(each)]
        known.append(same[0] if same else each)
        strange += [] if same else [each]
    if not strange:
        return tuple(known), _named(paths), ()
    what = f"{count(len(strange), 'line')} of {len(found)}, the first with the id '{strange[0].id}', is not in {_named(paths)}"
    return (
        tuple(known),
        "",
        (AuditGap(what, "`--log PATH` names the log; if it is the right one, find out who wrote the line"),),
    )


def _content(request: LoggedRequest) -> tuple[Any, ...]:
    return (
        *(request.ts, request.role, request.version, request.digest, request.inputs, request.outputs, request.code),
        [dict(each) for each in request.violations],
    )


def _audited(root: Path, registry: Registry, asked: _Asked) -> AuditResult:
    """The audit of the version that answered these requests, which are all to one."""
    first = asked.requests[0]
    version, doubts = _version(root, registry, first)
    if version is None:
        return AuditResult(f"{asked.subject}, answered by {first.header.model or 'a model'}@{first.version}")
    resolved = ResolvedVersion(Revisions(places.project_of(root, version.artifact)), registry, version)
    noun = "a request" if len(asked.requests) == 1 else f"{len(asked.requests)} requests"
    evidence = gathered(resolved, AuditQuestion(asked.subject, f"{noun} that {resolved.name} answered"))
    judged = request_evidence.judged(
        evidence,
        [AnsweredRequest(each.id, each.ts, _seconds(each.ts), each.role, each.code) for each in asked.requests],
        commit=first.header.commit,
        digest=first.digest,
        answer=_answer(first) if len(asked.requests) == 1 else "",
        where=asked.where,
        doubts=[*asked.doubts, *doubts],
    )
    return AuditResult(asked.subject, replace(evidence, requests=judged))


def _version(root: Path, registry: Registry, request: LoggedRequest) -> tuple[Version | None, list[AuditGap]]:
    """The version that answered: by the names in the log, else by its digest; and what is doubtful about that."""
    if request.header.model:
        artifact = registry.artifacts.get(places.full_name(root, registry.artifacts, request.header.model))
        if artifact and (found := artifact.version(request.version)):
            return found, []
    same = [
        version
        for artifact in registry.artifacts.values()
        for version in artifact.versions
        if request.digest and (said := tag_facts.read(version.event).model) and said.sha256 == request.digest
    ]
    same.sort(key=lambda version: version.name != request.version)
    if not same:
        return None, []
    name = f"{same[0].artifact}@{same[0].name}"
    if request.header.model or same[0].name != request.version:
        named = f"{request.header.model}@{request.version}" if request.header.model else f"version {request.version}"
        return same[0], [
            AuditGap(
                f"the log says {named}, which is not registered; its model is that of {name}", "find out who removed its tag"
            )
        ]
    return same[0], []


def _seconds(time: str) -> float | None:
    try:
        found = datetime.fromisoformat(time)
        return found.timestamp() if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _answer(request: LoggedRequest) -> str:
    if request.outputs is None:
        return "none: it was refused"
    text = "; ".join(f"{method}: {json.dumps(said, ensure_ascii=False)}" for method, said in request.outputs.items())
    return text if len(text) <= _LONGEST_ANSWER else f"{text[:_LONGEST_ANSWER]}..."
