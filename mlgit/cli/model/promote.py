"""`mlgit model promote`: put a version into an environment, if its policy lets it."""

from __future__ import annotations

import sys
from typing import Any

import click

from mlgit.cli.model import desk
from mlgit.cli.model.desk import RefusedError, Wish
from mlgit.cli.remote_options import timeout_option
from mlgit.commands import policy_inputs
from mlgit.commands.policy_inputs import InForce
from mlgit.config import Environment
from mlgit.errors import MlgitError, near_miss
from mlgit.registry import body, grammar, plan, policy, record
from mlgit.registry.event import TagName
from mlgit.registry.plan import Plan
from mlgit.registry.policy import Case, Check
from mlgit.registry.record import Gate
from mlgit.registry.state import Artifact, Registry, Version
from mlgit.revision.revisions import Revisions

# What a rule can be found to be that lets a version through and is no pass.
_WARNED = ("warn", "fail", "inconclusive", "invalid", "waived")

# What a promotion repeats of the version's own tag, so that one tag tells what came into the environment.
_REPEATED = ("model", "data", "data_left_out", "metrics", "metrics_left_out", "predictions", "card")


@click.command(
    epilog="Examples: `mlgit model promote churn staging --push`, `mlgit model promote churn@v1.2.0 prod -m 'fewer alarms'`.",
    short_help="Put a version into an environment, if its policy lets it.",
)
@click.argument("version", metavar="NAME[@V]")
@click.argument("environment", metavar="ENV")
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@click.option("--override", metavar="REASON", help="Promote although policy says no; who and why is recorded for ever.")
@click.option("--new-environment", is_flag=True, help="ENV is a new one, where mlgit.yaml declares no environments.")
@desk.options()
@timeout_option()
def command(
    version: str,
    environment: str,
    *,
    message: str,
    override: str | None,
    new_environment: bool,
    push: bool,
    remote: str,
    sign: bool,
    dry_run: bool,
    as_json: bool,
    after_future_date: bool,
) -> int:
    """Put a version (without @V: the latest) into an environment, after everything that mlgit.yaml asks there.

    The mlgit.yaml of the default branch decides: what was reviewed, not what lies in the workspace. Exit code 1 when a
    requirement is not met, 2 when that cannot be told, as for versions measured on different test data.
    """
    if override is not None and not override.strip():
        raise click.UsageError("--override: policy is overridden for a reason only")
    overriding = (override or "").strip()
    project = desk.project(version)
    revisions = Revisions(project)
    grammar.check_environment(environment)
    made: list[Version] = []
    may_ask = not as_json and sys.stdin.isatty() and sys.stdout.isatty()

    def rebuild() -> Plan:
        found = desk.registry(project)
        candidate = desk.resolve(project.git_root, found, version)
        made[:] = [candidate]
        artifact = found.artifact(candidate.artifact)
        deciding = policy_inputs.in_force(revisions, candidate.commit)
        wanted = policy_inputs.environment(deciding, environment)
        nonlocal new_environment
        new_environment = new_environment or _require_known(found, deciding, environment, may_ask=may_ask)
        current = artifact.current(environment)
        if current and current.version == candidate.name:
            return Plan(artifact.name, "", candidate.commit, "", upon=plan.upon(artifact.events))
        case = policy_inputs.case(revisions, artifact, candidate, wanted, deciding)
        checks = policy.checks(case)
        outcome = policy.verdict(checks)
        if outcome != "pass" and (not overriding or not candidate.is_active):
            raise RefusedError(checks, f"{case.reference} does not come to {environment}{_said(deciding)}")
        return _planned(artifact, candidate, wanted, case, checks, deciding, message=message, override=overriding, sign=sign)

    def tell(planned: Plan) -> tuple[str, str]:
        label = f"{made[0].artifact}@{made[0].name}"
        following = f"`mlgit model get '{made[0].artifact}#{environment}'`"
        return f"{label} is {'now' if planned.ref else 'already'} in {environment}{_remarks(planned)}", following

    wish = Wish(push, remote, dry_run, as_json, after_future_date=after_future_date)
    return desk.carry_out(project, rebuild, wish, tell=tell)


def _require_known(found: Registry, deciding: InForce, environment: str, *, may_ask: bool) -> bool:
    """Whether somebody on the terminal says that an environment is a new one, if it is: where none is declared, a slip of the
    fingers would make one.

    Raises MlgitError for a new one where nobody says so.
    """
    events = (event for artifact in found.artifacts.values() for event in artifact.events)
    known = sorted({event.name.environment for event in events} - {""})
    if deciding.config.environments or environment in known:
        return False
    what = f"no model was ever in '{environment}', and mlgit.yaml declares no environments{near_miss(environment, known)}"
    if may_ask and click.confirm(f"{what}; make it a new environment?"):
        return True
    hint = f"declare it: `environments: [{{name: {environment}}}]` in mlgit.yaml; or promote with --new-environment"
    raise MlgitError(what, f"environments so far: {', '.join(known)}; {hint}" if known else hint)


def _remarks(planned: Plan) -> str:
    """What a reader has to know of the policy: that it was overridden, which rules warn, and where only recorded numbers were
    compared."""
    facts = body.parse(planned.message).facts
    if "override" in facts:
        return f", against policy: {', '.join(facts['gate']['not_met'])}"
    gate = facts.get("gate", {})
    warned = [each["id"] for each in gate.get("rules", []) if each["result"] == "pass" and each["outcome"] in _WARNED]
    told = {"unverified": gate.get("unverified", []), "with warnings": warned}
    return "".join(f", {what}: {', '.join(f'gate {each}' for each in names)}" for what, names in told.items() if names)


def _said(deciding: InForce) -> str:
    return f" (asked by mlgit.yaml of {deciding.name})"


def _planned(
    artifact: Artifact,
    candidate: Version,
    wanted: Environment,
    case: Case,
    checks: tuple[Check, ...],
    deciding: InForce,
    *,
    message: str,
    override: str,
    sign: bool,
) -> Plan:
    current = artifact.current(wanted.name)
    written = record.facts("assign", version=candidate.name, previous=plan.previous(artifact.events))
    written |= repeated(candidate)
    if current:
        written["replaces"] = current.version
    baseline = f"{artifact.name}@{current.version}" if current else ""
    outcome = policy.verdict(checks)
    written |= record.gate(Gate(outcome, deciding.commit, baseline, case.gates, checks))
    counted = policy.counted(case)
    written |= record.approvals(counted)
    if override and outcome != "pass":
        written["override"] = {"reason": override}
    tag = plan.counted(TagName(artifact.name, "assign", environment=wanted.name), artifact.events)
    return plan.event(
        tag,
        version=candidate.name,
        target=candidate.commit,
        events=artifact.events,
        facts=written,
        reason=message or override,
        sign=sign or wanted.signed,
        trusted=wanted.signed,
        also=tuple((each.ref, each.oid) for each in counted),
    )


def repeated(candidate: Version) -> dict[str, Any]:
    """What the version's tag says of its model, data and metrics."""
    said = candidate.event.body.facts
    return {key: said[key] for key in _REPEATED if key in said}
