"""Everything that policy asks about a version, gathered: configuration in force, evidence, card, approvals, bytes."""

from __future__ import annotations

from dataclasses import dataclass

from mlgit.adapters.dvc import remote
from mlgit.adapters.git import git
from mlgit.config import NAME, Config, Environment
from mlgit.errors import MlgitError
from mlgit.gate.rule_result import RuleResult
from mlgit.project import Project
from mlgit.registry import approvals, commit_facts, locations, policies, recorded_metrics, tag_facts
from mlgit.registry.facts import Facts
from mlgit.registry.integrity import TagFault
from mlgit.registry.policy import CardStatus, Case
from mlgit.registry.state import Artifact, Version
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.schema import near_miss


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration that decides, and where it was read: a name for people, and the commit."""

    config: Config
    name: str
    commit: str


def in_force(revisions: Revisions, commit: str) -> InForce:
    """The mlgit.yaml that decides about a version of this commit: the default branch's, which was reviewed.

    The version's own where there is no such branch, or no such file on it.
    """
    branch, tip = policies.reviewed_branch(revisions.project.git_root)
    if branch and (reviewed := revisions.commit(tip, name=branch).own_config) is not None:
        return InForce(reviewed, branch, tip)
    return InForce(revisions.commit(commit).config, commit[:10], commit)


def environment(found: InForce, name: str) -> Environment:
    """A declared environment.

    Raises MlgitError with the near miss for another.
    """
    declared = found.config.environment(name)
    if declared is None:
        known = [each.name for each in found.config.environments]
        raise MlgitError(
            f"{NAME} of {found.name}: no environment is called '{name}'{near_miss(name, known)}",
            f"environments: {', '.join(known)}; add `- {{name: {name}}}` there for another",
        )
    return declared


def revision_of(revisions: Revisions, version: Version) -> Revision:
    """The commit of a version."""
    return revisions.commit(version.commit, name=version.name)


def facts_of(revisions: Revisions, version: Version) -> Facts | None:
    """What a version's commit says, None where it cannot be read any more."""
    try:
        return commit_facts.collect(revision_of(revisions, version), version.artifact)
    except MlgitError:
        return None


def case(revisions: Revisions, artifact: Artifact, version: Version, wanted: Environment, deciding: InForce) -> Case:
    """A version before the door of an environment."""
    found = facts_of(revisions, version) if wanted.gates or wanted.scan or wanted.retrievable else None
    current = artifact.current(wanted.name)
    before = artifact.version(current.version) if current else None
    if before and before.name == version.name:
        before = None
    judged: tuple[RuleResult, ...] = ()
    if wanted.gates:
        candidate = recorded_metrics.of(version.name, found, tag_facts.read(version.event))
        baseline = (
            recorded_metrics.of(before.name, facts_of(revisions, before), tag_facts.read(before.event)) if before else None
        )
        from mlgit.commands import promotion_gates  # with the statistics; most commands of the registry do without

        judged = promotion_gates.judged(revisions, version, before, deciding.config, candidate=candidate, baseline=baseline)
    asks_card = wanted.card != "none"
    card, trouble = card_status(revisions, version.artifact, version.commit) if asks_card else ("unknown", "")
    return Case(
        environment=wanted,
        reference=f"{version.artifact}@{version.name}",
        tag=version.event.oid,
        is_active=version.is_active,
        fault=_fault(artifact, version),
        held=held(artifact, version),
        gates=judged,
        card=card,
        card_trouble=trouble,
        approvals=approvals.of(revisions.project.git_root, version) if wanted.approvals else (),
        authors=frozenset({version.event.email, author(revisions.project, version.commit)}),
        is_stored=is_stored(revisions, found, version) if wanted.retrievable else None,
        executes_code=found.model.executes_code if found else None,
        findings=found.model.findings if found else (),
        loader=found.model.loader if found else "",
    )


def _fault(artifact: Artifact, version: Version) -> str:
    """Why a version's tag cannot be believed; '' where it can."""
    if version.event.body.fault:
        return f"the text of {version.event.ref} cannot be read: {version.event.body.fault}"
    others = [each.name for each in artifact.versions if each.commit == version.commit and each.is_active and each != version]
    return f"{', '.join(others)} is registered at the same commit" if others else ""


def held(artifact: Artifact, version: Version) -> frozenset[str]:
    """The environments that a version was ever put into."""
    assigned = (each for each in artifact.events if each.name.action == "assign" and each.commit == version.commit)
    return frozenset(each.name.environment for each in assigned)


def author(project: Project, commit: str) -> str:
    """The e-mail address of who made a commit."""
    return git.line(project.git_root, "log", "-1", "--no-show-signature", "--format=%aE", commit, "--")


def card_status(revisions: Revisions, artifact: str, commit: str) -> tuple[CardStatus, str]:
    """How the card in a commit stands; `unknown`, and why, where it cannot be made here."""
    from mlgit.commands.card import examine  # with the statistics; only a policy that asks for a card needs them

    try:
        examined = examine(revisions, artifact, commit=commit)
    except MlgitError as error:
        return "unknown", error.message
    if not examined.is_there:
        return "missing", ""
    if not examined.is_fresh:
        return "stale", ""
    return ("complete" if examined.is_complete else "fresh"), ""


def is_stored(revisions: Revisions, found: Facts | None, version: Version) -> bool | None:
    """Whether others can get a version's bytes: from Git or its DVC remote; None where there is no remote."""
    model = found.model if found else tag_facts.read(version.event).model
    if model is None:
        return None
    revision = revision_of(revisions, version)
    if revision.has(model.path):
        return True
    belonging = revision.routes([(model.path, model.md5)])
    there = remote.connect(revisions.project.dvc_folder, revisions.cache, routes=belonging)
    if there is None:
        return None
    examined = there.examine({model.md5: model.size} if model.md5 else {})
    return bool(model.md5) and not (examined.gone or examined.damaged)


def lost(revision: Revision, found: Facts) -> tuple[list[str], MlgitError | None]:
    """The paths that a version needs and whose bytes are neither here nor, as they were, in the remote; how that has one.

    Raises MlgitError where that could not be found out, since the remote does not answer.
    """
    known = locations.find(revision, found)
    paths = [path for path in found.missing if known.fault(path)]
    return paths, known.trouble if any(known.places.get(path) == "damaged" for path in paths) else None


def fault_of_bytes(revisions: Revisions, version: Version, *, read: bool = False) -> TagFault | None:
    """That the bytes of a version's model are damaged or gone, of which path its commit or its tag says; None if they are not.

    With `read` they are read for it. Raises MlgitError where that could not be found out, since the remote does not answer.
    """
    label = f"{version.artifact}@{version.name}"
    found = facts_of(revisions, version)
    model = found.model if found else tag_facts.read(version.event).model
    if model is None:
        what = f"neither the commit nor the tag of {label} names its bytes"
        return TagFault("gone", version.event.ref, what, f"`mlgit model audit {label}`", version.artifact)
    known = locations.look(revision_of(revisions, version), {model.path: (model.md5, model.size)}, read=read)
    fault = known.fault(model.path)
    if known.places[model.path] == "damaged" and known.trouble:
        what = f"the bytes of {label} are damaged: {fault}"
        return TagFault("damaged", version.event.ref, what, known.trouble.hint, version.artifact)
    hint = f"`mlgit push` where they are, or `mlgit model reproduce {label}`"
    return TagFault("gone", version.event.ref, f"the bytes of {label} are {fault}", hint, version.artifact) if fault else None
