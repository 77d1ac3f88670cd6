"""The answer to "where does this model come from": everything that is known of a version, and what could not be proven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

from mlgit.registry.event import Event
from mlgit.registry.facts import DataFile, Facts
from mlgit.registry.tag_facts import Recorded, read

# Where the bytes of a file are: `unknown` when the remote could not be asked, `damaged` when what it has are other bytes.
Place = Literal["cache", "git", "workspace", "remote", "gone", "damaged", "unknown"]
# `unknown`: signed by a key that Git has not been told to trust, so nothing is proven.
Trust = Literal["good", "bad", "unknown", "none"]


@dataclass(frozen=True, slots=True)
class AuditGap:
    """Something that is not proven, and what to do about it."""

    what: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """The commit of a version. `branch` is the one that others merge into; whether it holds the commit may be unknown."""

    commit: str
    author: str
    email: str
    time: int
    subject: str
    branch: str = ""
    is_merged: bool | None = None
    trust: Trust = "none"


@dataclass(frozen=True, slots=True)
class Holding:
    """A time in which the version was the current one of an environment; `until` is the event that ended it."""

    environment: str
    since: Event
    until: Event | None = None
    override: str = ""


@dataclass(frozen=True, slots=True)
class AuditedApproval:
    """Somebody's approval of a version."""

    by: str
    email: str
    time: int
    trust: Trust
    ref: str


@dataclass(frozen=True, slots=True)
class Leak:
    """How many of the `rows` of the test data are in the training data too; without `rows`, why nobody looked."""

    found: int = 0
    rows: int = 0
    unchecked: str = ""


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """What was asked (`churn#prod`, a file, a digest), what it turned out to be, and for which time, if for one."""

    asked: str
    matched: str = ""
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """Some of the requests fell into a time in which the version was in an environment; `late` of them shortly after it."""

    holding: Holding
    requests: int
    late: int = 0


@dataclass(frozen=True, slots=True)
class RequestEvidence:
    """Requests that a version answered, as a prediction log says.

    `ids` are the first of them, `first` and `last` when they came, `roles` and `codes` how often each occurs; `answer` is
    that of a single one, `where` the log it is in. `stays` are where the version was then; `gaps` what of it is not proven.
    """

    count: int
    ids: tuple[str, ...]
    first: str
    last: str
    roles: Mapping[str, int]
    codes: Mapping[str, int]
    digest: str
    answer: str = ""
    where: str = ""
    stays: tuple[Stay, ...] = ()
    gaps: tuple[AuditGap, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known of a version.

    `registration` is the event of the version, `recorded` what its tag says and `facts` what its commit says; `places`
    tells by path where bytes are, `unasked` why the remote could not say and `damage` what it has instead, `trust` by ref
    how good signatures are, `chain` what is wrong with the chain of events, `later` what happened to the version after it
    was registered, `card` the id of the card's blob in the commit. `requests` is where the question began with an answer.
    """

    question: AuditQuestion
    registration: Event
    recorded: Recorded
    facts: Facts
    code: Code
    places: Mapping[str, Place] = field(default_factory=dict)
    holdings: tuple[Holding, ...] = ()
    approvals: tuple[AuditedApproval, ...] = ()
    trust: Mapping[str, Trust] = field(default_factory=dict)
    chain: tuple[AuditGap, ...] = ()
    later: tuple[Event, ...] = ()
    leak: Leak = Leak(unchecked="no test data declared")
    card: str = ""
    is_declared: bool = True
    unasked: AuditGap | None = None
    damage: AuditGap | None = None
    requests: RequestEvidence | None = None

    @property
    def name(self) -> str:
        """The version as commands take it."""
        return f"{self.facts.artifact}@{self.registration.name.version}"

    @property
    def place_of_model(self) -> Place:
        return self.places.get(self.facts.model.path, "gone")

    @property
    def reproduce(self) -> str:
        """The command that makes the model again."""
        return f"mlgit model reproduce {self.name}"


def gaps(evidence: Evidence) -> tuple[AuditGap, ...]:
    """What is not proven, the weightiest first; none means PROVEN."""
    found = [
        *(evidence.requests.gaps if evidence.requests else ()),
        *_of_digests(evidence),
        *_of_bytes(evidence),
        *_of_training(evidence),
        *evidence.chain,
    ]
    return tuple(dict.fromkeys([*found, *_of_signatures(evidence), *_of_code(evidence), *_of_results(evidence)]))


def _of_digests(evidence: Evidence) -> Iterator[AuditGap]:
    """The tag against the commit it points at."""
    said, proven = evidence.recorded, evidence.facts
    if evidence.registration.body.fault:
        yield AuditGap(f"the facts in the tag cannot be read: {evidence.registration.body.fault}", "`mlgit model verify`")
    if not proven.model.md5:
        yield AuditGap(
            f"dvc.lock of the commit records nothing for the model '{proven.model.path}'", "register a commit that was run"
        )
    if said.model and (said.model.path, said.model.md5) != (proven.model.path, proven.model.md5):
        yield AuditGap(
            "the tag names another model than its commit does", "find out who wrote the tag; register the commit again"
        )
    if said.model and said.model.sha256 and proven.model.sha256 not in ("", said.model.sha256):
        yield AuditGap("the model's bytes have another sha256 than the tag says", "do not use them; find out who changed them")
    digests = {each.path: each.md5 for each in proven.data}
    for each in said.data:
        if digests.get(each.path, each.md5) != each.md5:
            yield AuditGap(f"the tag names other content of '{each.path}' than its commit does", "find out who wrote the tag")


def _of_bytes(evidence: Evidence) -> Iterator[AuditGap]:
    wanted = {evidence.facts.model.path: "the model", **{each.path: _noun(each) for each in evidence.facts.data}}
    for path, noun in wanted.items():
        place = evidence.places.get(path, "gone")
        if place == "gone":
            again = f"; else `{evidence.reproduce} --keep` makes it" if path == evidence.facts.model.path else ""
            yield AuditGap(f"{noun} '{path}' is not retrievable", f"`mlgit push` where it still is{again}")
        if place == "damaged":
            mend = "remove it there, then `mlgit push` from a clone whose cache has it"
            yield AuditGap(f"{noun} '{path}' is damaged in the DVC remote, and nowhere else", mend)
        if place == "unknown":
            yield AuditGap(f"{noun} '{path}' is not in the cache, and whether the remote has it is not known", "ask again")
    yield from filter(None, (evidence.damage, evidence.unasked))


def _noun(each: DataFile) -> str:
    return {"train": "training data", "test": "test data", "source": "the raw source"}.get(each.role, "data")


def _of_training(evidence: Evidence) -> Iterator[AuditGap]:
    facts = evidence.facts
    if not facts.with_role("train"):
        name = facts.artifact.rpartition(":")[2]
        yield AuditGap("nobody says which data is the training data", f"in mlgit.yaml, add `train: [PATH]` to models.{name}")
    for each in facts.data:
        if not each.md5:
            yield AuditGap(
                f"the digest of {_noun(each)} '{each.path}' is not known", "`dvc fetch --all-commits` may bring its list"
            )
    if facts.stale:
        yield AuditGap(
            f"the commit was not run as it is declared: stale {', '.join(facts.stale)}", "`mlgit run`, commit, register"
        )
    if not facts.environment:
        yield AuditGap(
            "no file pins what the stages run with", "commit a lock file of the environment, for example requirements.txt"
        )
    if evidence.leak.found:
        yield AuditGap(
            f"{evidence.leak.found} of {evidence.leak.rows} test rows are in the training data", "split anew, without them"
        )


def _of_signatures(evidence: Evidence) -> Iterator[AuditGap]:
    for ref, trust in sorted(evidence.trust.items()):
        if trust == "bad":
            yield AuditGap(f"the signature of {ref} is bad", "do not trust the tag; find out who wrote it")
        if trust == "unknown":
            yield AuditGap(f"the signature of {ref} cannot be checked", "tell Git the signer's key: gpg.ssh.allowedSignersFile")


def _of_code(evidence: Evidence) -> Iterator[AuditGap]:
    code = evidence.code
    if code.is_merged is None:
        yield AuditGap("it is not known whether the commit was merged", "`git fetch --unshallow` completes a shallow clone")
    if code.is_merged is False:
        yield AuditGap(f"the commit is not part of {code.branch}", f"merge it into {code.branch}, or register a commit that is")
    if code.trust == "bad":
        yield AuditGap("the signature of the commit is bad", "do not trust the commit; find out who made it")


def _of_results(evidence: Evidence) -> Iterator[AuditGap]:
    if not (evidence.facts.metrics or evidence.recorded.computed):
        name = evidence.facts.artifact.rpartition(":")[2]
        yield AuditGap("no metrics belong to the model", f"in mlgit.yaml, add `metrics: FILE` to models.{name}, and run")
    path, blob = evidence.recorded.card
    if blob and blob != evidence.card:
        yield AuditGap(f"the card '{path}' of the commit is not the one that the tag names", "`mlgit card check`")


def kind(event: Event) -> str:
    """What an event is: its action, and a rollback by its own name."""
    told = event.body.facts.get("event")
    return "rollback" if event.name.action == "assign" and told == "rollback" else event.name.action


def gate(event: Event) -> Mapping[str, Any]:
    """What the gate said, as the tag of an event records it; empty where it does not."""
    return read(event).gate


def moment(time: int, zone: str = "+0000") -> str:
    """A time of Git as ISO 8601, in the zone it was given in."""
    try:
        sign = -1 if zone[0] == "-" else 1
        offset = timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])))
        return datetime.fromtimestamp(time, offset).isoformat()
    except (ValueError, IndexError, OverflowError, OSError):
        return str(time)


def instant(time: int) -> str:
    """A time as RFC 3339 in UTC, as in-toto and CycloneDX want it."""
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
