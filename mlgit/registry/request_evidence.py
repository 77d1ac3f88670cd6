"""Logged answers held against the registry: whether the version was the one that its tags tell, and in use at that time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlgit.registry.audit import AuditGap, Evidence, Holding, RequestEvidence, Stay
from mlgit.render.text import count

# A server looks for new tags every 30 seconds, then loads and tests what it found, and answers with the old version meanwhile.
FOLLOWED_WITHIN = 120
_MOST_IDS = 10
_VERIFY = "`mlgit model verify` and `mlgit model history` tell what happened to its tags"


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """A request as a log tells it: `time` as it is written there, and in `seconds` since 1970 (None where it is no time)."""

    id: str
    time: str
    seconds: float | None
    role: str
    code: int


def judged(
    evidence: Evidence,
    requests: Sequence[AnsweredRequest],
    *,
    commit: str,
    digest: str,
    answer: str = "",
    where: str = "",
    doubts: Sequence[AuditGap] = (),
) -> RequestEvidence:
    """What a log says of requests to a version, and what of it the version's tags do not bear out.

    `commit` and `digest` (SHA-256 of the model) are those of the log, '' where it does not say; `doubts` is what was found
    before.
    """
    stays, outside = _stays(evidence.holdings, requests)
    found = [*doubts, *_of_version(evidence, commit, digest), *_of_time(evidence, outside, total=len(requests))]
    times = sorted(each.time for each in requests)
    return RequestEvidence(
        len(requests),
        tuple(each.id for each in requests[:_MOST_IDS]),
        times[0],
        times[-1],
        Counter(each.role for each in requests),
        Counter(str(each.code) for each in requests),
        digest,
        answer,
        where,
        tuple(stays),
        tuple(found),
    )


def _of_version(evidence: Evidence, commit: str, digest: str) -> Iterator[AuditGap]:
    """The log's version against the one that the tag tells."""
    name = evidence.name
    if commit and commit != evidence.registration.commit:
        what = f"the log says that {name} is commit {commit[:10]}, and its tag points at {evidence.registration.commit[:10]}"
        yield AuditGap(what, _VERIFY)
    said = evidence.recorded.model
    recorded = (said.sha256 if said else "") or evidence.facts.model.sha256
    if not digest:
        yield AuditGap("the log does not say which model's bytes answered", "log with `mlgit serve`, which does")
    elif not recorded:
        what = f"neither the tag of {name} nor bytes at hand tell the sha256 of its model, so the log's cannot be checked"
        yield AuditGap(what, "`dvc fetch --all-commits`, and ask again")
    elif digest != recorded:
        yield AuditGap(
            f"another model answered than {name}: sha256 {digest[:16]}... by the log, {recorded[:16]}... by the registry",
            "find out who changed the model, the log or the tag",
        )


def _of_time(evidence: Evidence, outside: Sequence[AnsweredRequest], *, total: int) -> Iterator[AuditGap]:
    unknown = [each for each in outside if each.seconds is None]
    known = [each for each in outside if each.seconds is not None]
    if unknown:
        yield AuditGap(f"the log tells no time for '{unknown[0].id}'", "the line was not written by `mlgit serve`")
    if not known:
        return
    one = f"at {known[0].time}"
    when = one if total == 1 else f"when {count(len(known), 'request')} of {total} came, the first {one}"
    yield AuditGap(
        f"{evidence.name} was in no environment {when}",
        "it was served by name, or clocks differ: compare with the times under Environments",
    )


def _stays(holdings: Sequence[Holding], requests: Sequence[AnsweredRequest]) -> tuple[list[Stay], list[AnsweredRequest]]:
    """Where the version was when each of the requests came, and those that came when it was nowhere."""
    within: Counter[int] = Counter()
    late: Counter[int] = Counter()
    outside = []
    for each in requests:
        there = [place for place, held in enumerate(holdings) if _held(held, each.seconds)]
        after = [] if there else [place for place, held in enumerate(holdings) if _held(held, each.seconds, FOLLOWED_WITHIN)]
        within.update(there or after)
        late.update(after)
        outside += [] if there or after else [each]
    return [Stay(held, within[place], late[place]) for place, held in enumerate(holdings) if within[place]], outside


def _held(holding: Holding, seconds: float | None, more: int = 0) -> bool:
    if seconds is None or seconds < holding.since.time:
        return False
    return holding.until is None or seconds < holding.until.time + more
