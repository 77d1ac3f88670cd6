"""Makes a commit's model a version: an annotated tag with digests, data and metrics."""

from __future__ import annotations

from dataclasses import replace

from mlgit.adapters.git import git
from mlgit.commands import places, policy_inputs
from mlgit.commands.card import model_of
from mlgit.commands.model import computed_metrics
from mlgit.commands.model.open_registry import registry_of
from mlgit.commands.model.write_tag import KEEP, RefusedError, WriteOptions, WriteResult, write_tag
from mlgit.errors import MlgitError
from mlgit.model_settings import CardFiles
from mlgit.registry import commit_facts, fact_writer, grammar, plan
from mlgit.registry.event import TagName
from mlgit.registry.facts import Facts
from mlgit.registry.grammar import Part
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Check
from mlgit.registry.state import Artifact, Version
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions


def register(
    name: str,
    ref: str = "HEAD",
    *,
    version: str | None = None,
    bump: Part | None = None,
    reason: str = "",
    options: WriteOptions = KEEP,
) -> WriteResult:
    """Register the model of a commit: as `version`, else as the one after the highest there ever was, by the part to `bump`.

    Refused when stages are stale, changes are not committed, outputs are nowhere, the card is stale, or the commit has a
    version already.
    """
    grammar.check_name(grammar.plain(name))
    project, name = places.place(name)
    commit = git.resolve(project.git_root, ref)
    revisions = Revisions(project)
    revision = revisions.commit(commit)
    found = commit_facts.collect(revision, name)
    grammar.check_name(found.artifact)
    checks = _checks(revisions, found, commit=commit, is_head=ref == "HEAD")
    wanted = _normal(version) if version else None
    computed = computed_metrics.of(revision, found)

    def rebuild() -> TagPlan:
        registry = registry_of(project.git_root)
        artifact = registry.artifacts.get(found.artifact) or Artifact(found.artifact)
        there = _registered(artifact, commit)
        if there and there.is_active and options.push and wanted in (None, there.name):
            return _standing(artifact, there)
        name = wanted or _next(artifact, bump)
        mine = [*checks, _free(artifact, there, name)]
        if not all(each.ok for each in mine):
            raise RefusedError(mine, f"nothing was registered for {found.artifact}")
        label = f"{found.artifact}@{name}"
        return plan.event(
            TagName(found.artifact, "register", name),
            version=name,
            target=commit,
            events=artifact.events,
            facts=fact_writer.evidence(found, card=_card(revision, found), computed=computed),
            reason=reason,
            sign=options.sign,
            done=f"registered {label} at {commit[:10]}",
            following=f"`mlgit model promote {label} ENVIRONMENT`",
        )

    with revisions:
        return write_tag(project, rebuild, options)


def _standing(artifact: Artifact, there: Version) -> TagPlan:
    """Nothing new: the version that the commit has already, whose tag may have to be pushed."""
    label = f"{artifact.name}@{there.name}"
    return plan.nothing_new(
        artifact.name,
        artifact.events,
        target=there.commit,
        version=there.name,
        done=f"{label} is registered at {there.commit[:10]} already",
        following=f"`mlgit model promote {label} ENVIRONMENT`",
    )


def _registered(artifact: Artifact, commit: str) -> Version | None:
    there = artifact.at(commit)
    return there if there and there.is_registered else None


def _normal(wanted: str) -> str:
    version = wanted if wanted.startswith("v") or not grammar.is_version(f"v{wanted}") else f"v{wanted}"
    grammar.check_version(version)
    return version


def _next(artifact: Artifact, bump: Part | None) -> str:
    """The version after the highest one there ever was: a withdrawn one's name is not given again."""
    known = [each.name for each in artifact.versions if grammar.is_version(each.name)]
    if not known:
        return grammar.bump("v0.0.0", bump) if bump else grammar.FIRST_VERSION
    return grammar.bump(max(known, key=grammar.version_key), bump or "patch")


def _free(artifact: Artifact, there: Version | None, version: str) -> Check:
    """A commit has one version, for tags of environments name commits; and a version has one commit."""
    if there and (there.is_active or there.name != version):
        state = "is" if there.is_active else "was"
        anew = "" if there.is_active else f"`--version {there.name}` registers it anew; "
        return Check("version", False, f"this commit {state} {there.name}", f"{anew}another version needs a commit of its own")
    known = artifact.version(version)
    if known and known.commit != (there.commit if there else ""):
        return Check("version", False, f"{version} is commit {known.commit[:10]}", "leave --version out for the next free one")
    return Check("version", True, version)


def _checks(revisions: Revisions, found: Facts, *, commit: str, is_head: bool) -> list[Check]:
    lost, damaged = policy_inputs.lost(revisions.commit(commit), found)
    where = f"nowhere, or damaged ({damaged.message})" if damaged else "nowhere"
    hint = (
        f"{damaged.hint}; `mlgit run` makes what is nowhere" if damaged else "`mlgit run` makes them, `dvc pull` fetches them"
    )
    checks = [
        Check("lock", not found.stale, f"stale: {', '.join(found.stale)}" if found.stale else "", "`mlgit run`, then commit"),
        Check("outputs", not lost, f"{where}: {', '.join(lost)}" if lost else "", hint),
    ]
    if is_head:
        checks.append(_workspace(revisions.workspace, found))
    return checks + ([_card_check(revisions, found, commit)] if _declares_card(revisions.commit(commit), found) else [])


def _workspace(workspace: Revision, found: Facts) -> Check:
    """Whether what lies in the workspace is what would be tagged."""
    hint = "commit the changes, or name the commit: `mlgit model register NAME COMMIT`"
    try:
        lying = commit_facts.collect(workspace, found.artifact)
    except MlgitError as error:
        return Check("workspace", False, f"uncommitted: {error.message}", hint)
    if replace(lying, commit="", missing=()) == replace(found, commit="", missing=()):
        return Check("workspace", True)
    return Check("workspace", False, f"uncommitted changes touch the pipeline ({_difference(lying, found)})", hint)


def _difference(lying: Facts, found: Facts) -> str:
    if lying.stale:
        return f"stages {', '.join(lying.stale)}"
    names = (
        "model",
        "data",
        "metrics",
        "params",
        "steps",
        "predictions",
        "other_predictions",
        "tests",
        "environment",
        "type",
        "description",
        "labels",
    )
    return ", ".join(name for name in names if getattr(lying, name) != getattr(found, name))


def _declares_card(revision: Revision, found: Facts) -> bool:
    files = _card_paths(revision, found)
    return any(revision.blob(path) for path in (files.notes, files.out))


def _card_paths(revision: Revision, found: Facts) -> CardFiles:
    return model_of(revision.config, found, prefix=revision.project.prefix).card


def _card_check(revisions: Revisions, found: Facts, commit: str) -> Check:
    status, trouble = policy_inputs.card_status(revisions, found.artifact, commit)
    words = {"missing": "there are notes, and no card made of them", "unknown": trouble}
    hint = f"`mlgit card build {found.artifact}`, then commit"
    return Check("card", None if status == "unknown" else status in ("fresh", "complete"), words.get(status, status), hint)


def _card(revision: Revision, found: Facts) -> tuple[str, str] | None:
    path = _card_paths(revision, found).out
    blob = revision.blob(path)
    return (path, blob) if blob else None
