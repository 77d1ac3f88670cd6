"""May this version come to this environment? Every requirement as a check: yes, no, or cannot be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mlgit.config import Environment
from mlgit.gate.rule_result import RuleResult
from mlgit.render.text import few

Outcome = Literal["pass", "fail", "invalid"]
CardStatus = Literal["complete", "fresh", "stale", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement: `ok` is None where it cannot be told; `detail` says why, `hint` what to do next.

    `is_warning` where it stands in nobody's way and is not met all the same, such as a rule that only warns.
    """

    name: str
    ok: bool | None
    detail: str = ""
    hint: str = ""
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of a version: a tag (`ref`) on the version's tag object `of`.

    `email` is what the tag says; `signer` is set where a good signature proves it.
    """

    ref: str
    oid: str
    of: str
    email: str
    signer: str = ""

    @property
    def person(self) -> str:
        """Whom it counts for."""
        return (self.signer or self.email).strip().lower()


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known about a version that is to come to an environment.

    `reference` is NAME@VERSION, `tag` the object id of the version's tag; `held` are the environments it was in so far;
    `fault` is why its tag cannot be believed; `authors` the e-mail addresses of those who made and registered it. `card`
    (with what kept it from being judged), `is_stored` (the bytes are in the default DVC remote) and `executes_code` are
    asked for only where the environment does.
    """

    environment: Environment
    reference: str
    tag: str
    is_active: bool = True
    fault: str = ""
    held: frozenset[str] = frozenset()
    gates: tuple[RuleResult, ...] = ()
    card: CardStatus = "unknown"
    card_trouble: str = ""
    approvals: tuple[Approval, ...] = ()
    authors: frozenset[str] = frozenset()
    is_stored: bool | None = None
    executes_code: bool | None = None
    findings: tuple[str, ...] = ()
    loader: str = ""


def checks(case: Case) -> tuple[Check, ...]:
    """Everything that the environment asks, in the order people read it."""
    environment = case.environment
    found = [_active(case)]
    found += [_order(case)] if environment.promotes_from else []
    found += _gates(case) if environment.gates else []
    found += [_card(case)] if environment.card != "none" else []
    found += [_approvals(case)] if environment.approvals else []
    found += [_retrievable(case)] if environment.retrievable else []
    found += [_scan(case)] if environment.scan else []
    return tuple(found)


def verdict(found: Iterable[Check]) -> Outcome:
    """All together: one no is a no; without a no, one that cannot be told makes it invalid."""
    outcomes = [each.ok for each in found]
    if False in outcomes:
        return "fail"
    return "invalid" if None in outcomes else "pass"


def counted(case: Case) -> tuple[Approval, ...]:
    """The approvals that count: of this very tag, by others than the authors, one for each person; signed if that is asked."""
    found: dict[str, Approval] = {}
    authors = {each.strip().lower() for each in case.authors}
    for each in case.approvals:
        if each.of != case.tag or {each.person, each.email.strip().lower()} & authors or not each.person:
            continue
        if each.signer or not case.environment.signed:
            found.setdefault(each.person, each)
    return tuple(found.values())


def _active(case: Case) -> Check:
    if case.fault:
        return Check("registered", False, case.fault, "`mlgit model verify` tells more")
    hint = (
        "" if case.is_active else f"register it anew, or promote another version; `mlgit model show {case.reference}` tells why"
    )
    return Check("registered", case.is_active, "" if case.is_active else f"{case.reference} was withdrawn", hint)


def _order(case: Case) -> Check:
    before = case.environment.promotes_from
    if before in case.held:
        return Check("order", True, f"was in {before}")
    return Check(
        "order", False, f"{case.reference} was never in {before}", f"`mlgit model promote {case.reference} {before}` first"
    )


def _gates(case: Case) -> list[Check]:
    if not case.gates:
        return [Check("gates", None, "there are no gate rules to pass", "add `gates: {rules: [...]}` to mlgit.yaml")]
    answers: dict[Outcome, bool | None] = {"pass": True, "fail": False, "invalid": None}
    return [
        Check(
            f"gate {each.id}",
            answers[counts_as(each)],
            _said(each),
            each.settle,
            is_warning=each.effect != "fail" and each.outcome != "pass",
        )
        for each in case.gates
    ]


def counts_as(found: RuleResult) -> Outcome:
    """What a rule's result is for a promotion: what passes or warns comes in, what fails does not, what is invalid cannot be
    told."""
    return "pass" if found.effect != "fail" else "invalid" if found.outcome == "invalid" else "fail"


def _said(found: RuleResult) -> str:
    reason = found.reason if found.outcome in ("pass", "fail") else f"{found.outcome}: {found.reason}"
    return f"{reason} (needs {found.needs})" if found.needs and found.needs not in reason else reason


def _card(case: Case) -> Check:
    artifact = case.reference.partition("@")[0]
    if case.card == "unknown":
        return Check("card", None, case.card_trouble or "it could not be judged", f"`mlgit card check {artifact}`")
    if case.card == "missing":
        return Check(
            "card",
            False,
            "there is no card in the version's commit",
            f"`mlgit card build {artifact}`, commit, register a version",
        )
    if case.card == "stale":
        return Check("card", False, "the card is not up to date", f"`mlgit card build {artifact}`, commit, register a version")
    if case.card == "fresh" and case.environment.card == "complete":
        return Check("card", False, "the card lacks something", f"`mlgit card check {artifact}` lists it")
    return Check("card", True, case.card)


def _approvals(case: Case) -> Check:
    people, wanted = counted(case), case.environment.approvals
    told = f"{len(people)} of {wanted}" + (f": {', '.join(_named(each) for each in people)}" if people else "")
    if len(people) >= wanted:
        return Check("approvals", True, told)
    left_out = len(case.approvals) - len(people)
    told += f" ({left_out} do not count: by an author, of another tag, twice, or not signed)" if left_out else ""
    flag = " --sign" if case.environment.signed else ""
    return Check(
        "approvals", False, told, f"somebody other than the author: `mlgit model approve {case.reference}{flag} --push`"
    )


def _named(approval: Approval) -> str:
    return approval.signer or f"{approval.email} (not signed)"


def _retrievable(case: Case) -> Check:
    hint = "" if case.is_stored else "`mlgit push` sends what is in this clone's cache"
    told = {
        True: "in the DVC remote",
        False: "the model is not in the default DVC remote",
        None: "there is no remote to look in",
    }
    return Check("retrievable", case.is_stored, told[case.is_stored], hint)


def _scan(case: Case) -> Check:
    if case.executes_code is None:
        return Check("scan", None, "the model's bytes are not at hand", "`dvc pull` brings them")
    if case.executes_code:
        what = f": {few(case.findings, most=3)}" if case.findings else ""
        return Check("scan", False, f"loading the model can run code{what}", "save it as skops, safetensors or ONNX")
    return Check("scan", True, f"loading it{f' with {case.loader}' if case.loader else ''} runs no code")
