"""`mlgit model register`: make a commit's model a version."""

from __future__ import annotations

from dataclasses import replace

import click

from mlgit.adapters.git import git
from mlgit.cli.model import desk
from mlgit.cli.model.desk import RefusedError, Wish
from mlgit.cli.remote_options import timeout_option
from mlgit.commands import places, policy_inputs
from mlgit.commands.card import model_of
from mlgit.config import CardFiles
from mlgit.errors import MlgitError
from mlgit.registry import evidence, grammar, plan, record
from mlgit.registry.event import TagName
from mlgit.registry.facts import Facts
from mlgit.registry.grammar import Part
from mlgit.registry.plan import Plan
from mlgit.registry.policy import Check
from mlgit.registry.state import Artifact, Version
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions


@click.command(
    epilog="Examples: `mlgit model register churn --push`, `mlgit model register churn v1.0-branch --bump minor`.",
    short_help="Make a commit's model a version.",
)
@click.argument("name")
@click.argument("ref", default="HEAD")
@click.option("--version", "wanted", metavar="V", help="The version, as v1.2.0; without it the latest is bumped.")
@click.option("--bump", type=click.Choice(grammar.PARTS), help="Which part of the latest version to bump; default patch.")
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@desk.options()
@timeout_option()
def command(
    name: str,
    ref: str,
    *,
    wanted: str | None,
    bump: Part | None,
    message: str,
    push: bool,
    remote: str,
    sign: bool,
    dry_run: bool,
    as_json: bool,
    after_future_date: bool,
) -> int:
    """Register the model NAME of commit REF (default: HEAD) as a version: an annotated tag with digests, data and metrics.

    Refused when stages are stale, changes are not committed, outputs are nowhere, the card is stale, or the commit has a
    version already. Exit code 1 when it is refused.
    """
    if wanted and bump:
        raise click.UsageError("--version and --bump exclude each other")
    grammar.check_name(grammar.plain(name))
    project, name = places.place(name)
    commit = git.resolve(project.git_root, ref)
    revisions = Revisions(project)
    revision = revisions.commit(commit)
    found = evidence.collect(revision, name)
    grammar.check_name(found.artifact)
    checks = _checks(revisions, found, commit=commit, is_head=ref == "HEAD")
    wanted = _normal(wanted) if wanted else None

    def rebuild() -> Plan:
        artifact = desk.artifact_of(desk.registry(project), found.artifact)
        there = _registered(artifact, commit)
        if there and there.is_active and push and wanted in (None, there.name):
            return Plan(found.artifact, "", commit, "", upon=plan.upon(artifact.events))
        version = wanted or _next(artifact, bump)
        mine = [*checks, _free(artifact, there, version)]
        if not all(each.ok for each in mine):
            raise RefusedError(mine, f"nothing was registered for {found.artifact}")
        written = record.facts("register", version=version, previous=plan.previous(artifact.events))
        written |= record.evidence(found, card=_card(revision, found))
        tag = plan.counted(TagName(found.artifact, "register", version), artifact.events)
        return plan.event(tag, version=version, target=commit, events=artifact.events, facts=written, reason=message, sign=sign)

    def tell(planned: Plan) -> tuple[str, str]:
        there = desk.registry(project).artifacts.get(found.artifact)
        version = there.at(commit) if there else None
        label = f"{found.artifact}@{version.name}" if version else found.artifact
        sentence = f"registered {label} at {commit[:10]}" if planned.ref else f"{label} is registered at {commit[:10]} already"
        return sentence, f"`mlgit model promote {label} ENVIRONMENT`"

    wish = Wish(push, remote, dry_run, as_json, after_future_date=after_future_date)
    return desk.carry_out(project, rebuild, wish, tell=tell)


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
        lying = evidence.collect(workspace, found.artifact)
    except MlgitError as error:
        return Check("workspace", False, f"uncommitted: {error.message}", hint)
    if replace(lying, commit="", missing=()) == replace(found, commit="", missing=()):
        return Check("workspace", True)
    return Check("workspace", False, f"uncommitted changes touch the pipeline ({_difference(lying, found)})", hint)


def _difference(lying: Facts, found: Facts) -> str:
    if lying.stale:
        return f"stages {', '.join(lying.stale)}"
    names = ("model", "data", "metrics", "params", "steps", "predictions", "environment", "type", "description", "labels")
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
