"""`mlgit model retire`: withdraw a version, or a whole model."""

from __future__ import annotations

import click

from mlgit.cli.model import desk
from mlgit.cli.model.desk import RefusedError, Wish
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry import grammar, plan, record
from mlgit.registry.event import TagName
from mlgit.registry.plan import Plan
from mlgit.registry.policy import Check
from mlgit.registry.state import Artifact


@click.command(
    epilog="Examples: `mlgit model retire churn@v1.1.0 -m 'trained on wrong labels' --push`, `mlgit model retire old-churn`.",
    short_help="Withdraw a version, or a whole model.",
)
@click.argument("version", metavar="NAME[@V]")
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@desk.options()
def command(
    version: str, *, message: str, push: bool, remote: str, sign: bool, dry_run: bool, as_json: bool, after_future_date: bool
) -> int:
    """Withdraw a version: it is not the latest any more, cannot be promoted, and no rollback goes to it. Its tag stays.

    Without @V the whole model is retired, until something is registered or promoted again. Refused while it is in an
    environment.
    """
    project = desk.project(version)

    def rebuild() -> Plan:
        found = desk.registry(project)
        if "@" not in version and "#" not in version:
            return _whole(found.artifact(desk.full_name(project, found, version)), message=message, sign=sign)
        return _version(project, version, message=message, sign=sign)

    def tell(planned: Plan) -> tuple[str, str]:
        return (
            f"retired {version}" if planned.ref else f"{version} is retired already",
            f"`mlgit model show {planned.artifact}`",
        )

    wish = Wish(push, remote, dry_run, as_json, after_future_date=after_future_date)
    return desk.carry_out(project, rebuild, wish, tell=tell)


def _whole(artifact: Artifact, *, message: str, sign: bool) -> Plan:
    if not artifact.is_active:
        return Plan(artifact.name, "", "", "", upon=plan.upon(artifact.events))
    _require_out(artifact, "")
    newest = artifact.latest or (artifact.versions[-1] if artifact.versions else None)
    if newest is None:
        raise MlgitError(f"{artifact.name}: no version is registered", "there is nothing to retire")
    tag = plan.counted(TagName(artifact.name, "deprecate"), artifact.events)
    written = record.facts("deprecate", previous=plan.previous(artifact.events))
    return plan.event(tag, version="", target=newest.commit, events=artifact.events, facts=written, reason=message, sign=sign)


def _version(project: Project, version: str, *, message: str, sign: bool) -> Plan:
    found = desk.registry(project)
    withdrawn = desk.resolve(project.git_root, found, version)
    artifact = found.artifact(withdrawn.artifact)
    if not withdrawn.is_active:
        return Plan(artifact.name, "", withdrawn.commit, "", upon=plan.upon(artifact.events))
    _require_out(artifact, withdrawn.name)
    grammar.check_version(withdrawn.name)
    tag = plan.counted(TagName(artifact.name, "deregister", withdrawn.name), artifact.events)
    written = record.facts("deregister", version=withdrawn.name, previous=plan.previous(artifact.events))
    return plan.event(
        tag, version=withdrawn.name, target=withdrawn.commit, events=artifact.events, facts=written, reason=message, sign=sign
    )


def _require_out(artifact: Artifact, version: str) -> None:
    """DVC delivers what was assigned last, withdrawn or not: so first something else has to be there."""
    current = {name: stack[-1].version for name, stack in artifact.environments.items()}
    there = sorted(name for name, each in current.items() if version in ("", each))
    if there:
        label = f"{artifact.name}@{version}" if version else artifact.name
        back = f"`mlgit model rollback {artifact.name} {there[0]} --message WHY`"
        hint = f"{back}, `promote` another version, or `unassign` it first"
        raise RefusedError([Check("in use", False, f"{label} is in {', '.join(there)}", hint)], f"{label} is not retired")
