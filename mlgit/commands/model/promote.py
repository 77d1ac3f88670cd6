"""Puts a version into an environment, if its policy lets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from mlgit.commands import places, policy_inputs
from mlgit.commands.model.open_registry import registry_of, version_of
from mlgit.commands.model.write_tag import KEEP, RefusedError, WriteOptions, WriteResult, write_tag
from mlgit.commands.policy_inputs import InForce
from mlgit.config import Environment
from mlgit.errors import MlgitError, near_miss
from mlgit.registry import fact_writer, grammar, plan, policy, tag_message
from mlgit.registry.event import TagName
from mlgit.registry.fact_writer import Gate
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Case, Check
from mlgit.registry.state import Artifact, Registry, Version
from mlgit.revision.revisions import Revisions

# What a rule can be found to be that lets a version through and is no pass.
_WARNED = ("warn", "fail", "inconclusive", "invalid", "waived")

# What a promotion repeats of the version's own tag, so that one tag tells what came into the environment.
_REPEATED = ("model", "data", "data_left_out", "metrics", "metrics_left_out", "predictions", "other_predictions", "card")


def promote(
    version: str,
    environment: str,
    *,
    reason: str = "",
    override: str = "",
    new_environment: bool = False,
    confirm: Callable[[str], bool] | None = None,
    options: WriteOptions = KEEP,
) -> WriteResult:
    """Put NAME@VERSION, or the latest of NAME, into an environment, after everything that the mlgit.yaml of the default
    branch asks there.

    Refused, with every check, where a requirement is not met or cannot be told, unless there is a reason to `override` it.
    Where no environments are declared, one that is not known yet needs `new_environment`, or somebody to `confirm` it.
    """
    overriding = override.strip()
    project = places.place(version).project
    revisions = Revisions(project)
    grammar.check_environment(environment)
    ask = cache(confirm) if confirm else None  # the plan may be made again, and nobody is asked twice

    def rebuild() -> TagPlan:
        found = registry_of(project.git_root)
        candidate = version_of(project.git_root, found, version)
        artifact = found.artifact(candidate.artifact)
        deciding = policy_inputs.in_force(revisions, candidate.commit)
        wanted = policy_inputs.environment(deciding, environment)
        if not new_environment:
            _require_known(found, deciding, environment, confirm=ask)
        current = artifact.current(environment)
        if current and current.version == candidate.name:
            return _standing(artifact, candidate, environment)
        case = policy_inputs.case(revisions, artifact, candidate, wanted, deciding)
        checks = policy.checks(case)
        outcome = policy.verdict(checks)
        if outcome != "pass" and (not overriding or not candidate.is_active):
            raise RefusedError(
                checks, f"not promoted: {case.reference} does not meet the requirements of {environment}{_said(deciding)}"
            )
        sign = options.sign
        return _planned(artifact, candidate, wanted, case, checks, deciding, reason=reason, override=overriding, sign=sign)

    with revisions:
        return write_tag(project, rebuild, options)


def _standing(artifact: Artifact, candidate: Version, environment: str) -> TagPlan:
    """Nothing new: the version is there, and its tags may have to be pushed."""
    return plan.nothing_new(
        artifact.name,
        artifact.events,
        target=candidate.commit,
        version=candidate.name,
        done=f"{artifact.name}@{candidate.name} is already in {environment}",
        following=f"`mlgit model get '{artifact.name}#{environment}'`",
    )


def _require_known(found: Registry, deciding: InForce, environment: str, *, confirm: Callable[[str], bool] | None) -> None:
    """Where no environment is declared, a slip of the fingers would make one: somebody has to say that it is a new one.

    Raises MlgitError for a new one where nobody says so.
    """
    events = (event for artifact in found.artifacts.values() for event in artifact.events)
    known = sorted({event.name.environment for event in events} - {""})
    if deciding.config.environments or environment in known:
        return
    what = f"no model was ever in '{environment}', and mlgit.yaml declares no environments{near_miss(environment, known)}"
    if confirm and confirm(f"{what}; make it a new environment?"):
        return
    hint = f"declare it: `environments: [{{name: {environment}}}]` in mlgit.yaml; or promote with --new-environment"
    raise MlgitError(what, f"environments so far: {', '.join(known)}; {hint}" if known else hint)


def _remarks(planned: TagPlan) -> str:
    """What a reader has to know of the policy: that it was overridden, which rules warn, and where only recorded numbers were
    compared."""
    facts = tag_message.parse(planned.message).facts
    if "override" in facts:
        return f", against policy: {', '.join(facts['gate']['not_met'])}"
    gate = facts.get("gate", {})
    recorded = gate.get("recorded_only", [])
    rules = [each for each in gate.get("rules", []) if each["result"] == "pass" and each["outcome"] in _WARNED]
    warned = [each["id"] for each in rules if each["id"] not in recorded]
    told = {"by recorded numbers only": recorded, "with warnings": warned}
    return "".join(f", {what}: {', '.join(f'gate {each}' for each in names)}" for what, names in told.items() if names)


def _said(deciding: InForce) -> str:
    return f" (mlgit.yaml of {deciding.name})"


def _planned(
    artifact: Artifact,
    candidate: Version,
    wanted: Environment,
    case: Case,
    checks: tuple[Check, ...],
    deciding: InForce,
    *,
    reason: str,
    override: str,
    sign: bool,
) -> TagPlan:
    current = artifact.current(wanted.name)
    written = repeated(candidate)
    if current:
        written["replaces"] = current.version
    baseline = f"{artifact.name}@{current.version}" if current else ""
    outcome = policy.verdict(checks)
    written |= fact_writer.gate(Gate(outcome, deciding.commit, baseline, case.gates, checks))
    counted = policy.counted(case)
    written |= fact_writer.approvals(counted)
    if override and outcome != "pass":
        written["override"] = {"reason": override}
    planned = plan.event(
        TagName(artifact.name, "assign", environment=wanted.name),
        version=candidate.name,
        target=candidate.commit,
        events=artifact.events,
        facts=written,
        reason=reason or override,
        sign=sign or wanted.signed,
        trusted=wanted.signed,
        also=tuple((each.ref, each.oid) for each in counted),
    )
    following = f"`mlgit model get '{artifact.name}#{wanted.name}'`"
    done = f"{case.reference} is now in {wanted.name}{_remarks(planned)}"
    return replace(planned, done=done, following=following)


def repeated(candidate: Version) -> dict[str, Any]:
    """What the version's tag says of its model, data and metrics."""
    said = candidate.event.body.facts
    return {key: said[key] for key in _REPEATED if key in said}
