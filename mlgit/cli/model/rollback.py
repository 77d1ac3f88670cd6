"""`mlgit model rollback`: go back to the last good version of an environment."""

from __future__ import annotations

import click

from mlgit.cli.model import desk
from mlgit.cli.model.desk import RefusedError, Wish
from mlgit.cli.model.promote import repeated
from mlgit.cli.remote_options import timeout_option
from mlgit.commands import policy_inputs
from mlgit.errors import MlgitError
from mlgit.registry import grammar, plan, record
from mlgit.registry.event import TagName
from mlgit.registry.plan import Plan
from mlgit.registry.policy import Check
from mlgit.registry.state import Artifact, Version
from mlgit.revision.revisions import Revisions


@click.command(
    epilog="Example: `mlgit model rollback churn prod -m 'scores drift since Monday' --push`.",
    short_help="Go back to the last good version of an environment.",
)
@click.argument("name")
@click.argument("environment", metavar="ENV")
@click.option("--message", "-m", required=True, metavar="TEXT", help="Why; it is kept for ever.")
@desk.options()
@timeout_option()
def command(
    name: str,
    environment: str,
    *,
    message: str,
    push: bool,
    remote: str,
    sign: bool,
    dry_run: bool,
    as_json: bool,
    after_future_date: bool,
) -> int:
    """Assign the version that was in ENV before the current one, and was not withdrawn; again for the one before that.

    A version that was left by a rollback is not gone back to. Gates are not asked again, but the bytes must be at hand:
    in Git, in the cache, or in the DVC remote.
    """
    project = desk.project(name)
    revisions = Revisions(project)
    grammar.check_environment(environment)
    if not message.strip():
        raise click.UsageError("--message: a rollback needs its reason")
    made: list[tuple[str, Version]] = []

    def rebuild() -> Plan:
        found = desk.registry(project)
        artifact = found.artifact(desk.full_name(project, found, name))
        left, target = _target(artifact, environment)
        made[:] = [(left, target)]
        if fault := policy_inputs.fault_of_bytes(revisions, target):
            raise RefusedError([Check("bytes", False, fault.message, fault.hint)], f"{environment} stays at {left}")
        written = record.facts("rollback", version=target.name, previous=plan.previous(artifact.events))
        written |= repeated(target) | {"replaces": left}
        tag = plan.counted(TagName(artifact.name, "assign", environment=environment), artifact.events)
        deciding = policy_inputs.in_force(revisions, target.commit)
        written["config"] = deciding.commit
        declared = deciding.config.environment(environment)
        # an environment that is not declared any more asks nothing: a rollback is an emergency
        trusted = declared is not None and declared.signed
        return plan.event(
            tag,
            version=target.name,
            target=target.commit,
            events=artifact.events,
            facts=written,
            reason=message,
            sign=sign or trusted,
            trusted=trusted,
        )

    def tell(planned: Plan) -> tuple[str, str]:
        left, target = made[0]
        withdraw = f"`mlgit model retire {target.artifact}@{left}` keeps it from coming back"
        return f"{target.artifact}: {environment} went back from {left} to {target.name}", withdraw

    wish = Wish(push, remote, dry_run, as_json, after_future_date=after_future_date)
    return desk.carry_out(project, rebuild, wish, tell=tell)


def _target(artifact: Artifact, environment: str) -> tuple[str, Version]:
    """The version that is left, and the one to go back to.

    Raises RefusedError where there is none, MlgitError for an environment where nothing ever was.
    """
    history = plan.stack(environment, artifact.events, artifact.meant)
    if not history:
        raise MlgitError(
            f"{artifact.name}: nothing is in '{environment}', and nothing can be gone back to",
            f"`mlgit model history {artifact.name}` shows what was where",
        )
    left = history[-1].version
    for held in reversed(history[:-1]):
        version = artifact.version(held.version)
        if version and version.is_active and version.name != left and not version.event.body.fault:
            return left, version
    hint = f"`mlgit model promote {artifact.name}@VERSION {environment}` names one"
    check = Check("target", False, f"before {left}, no version was in {environment} that is good to go back to", hint)
    raise RefusedError([check], f"{environment} stays at {left}")
