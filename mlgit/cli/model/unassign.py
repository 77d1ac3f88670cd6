"""`mlgit model unassign`: take out what is in an environment."""

from __future__ import annotations

import click

from mlgit.cli.model import desk
from mlgit.cli.model.desk import Wish
from mlgit.errors import MlgitError
from mlgit.registry import grammar, plan, record
from mlgit.registry.event import TagName
from mlgit.registry.plan import Plan


@click.command(
    epilog="Example: `mlgit model unassign churn staging -m 'the trial is over' --push`.",
    short_help="Take out what is in an environment.",
)
@click.argument("name")
@click.argument("environment", metavar="ENV")
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@desk.options()
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
    """Take the current version of NAME out of ENV. The one that was there before it, if any, is there again.

    `dvc artifacts get --stage` does not know of it and goes on delivering the version: to go back, use rollback.
    """
    project = desk.project(name)
    grammar.check_environment(environment)
    told: list[str] = []

    def rebuild() -> Plan:
        found = desk.registry(project)
        artifact = found.artifact(desk.full_name(project, found, name))
        current = artifact.current(environment)
        if current is None:
            raise MlgitError(
                f"{artifact.name}: nothing is in '{environment}'",
                f"environments with a version of it: {', '.join(artifact.environments) or 'none'}",
            )
        before = [each.version for each in artifact.environments[environment][:-1]]
        told[:] = [artifact.name, current.version, before[-1] if before else ""]
        written = record.facts("unassign", version=current.version, previous=plan.previous(artifact.events))
        tag = plan.counted(TagName(artifact.name, "unassign", environment=environment), artifact.events)
        return plan.event(
            tag,
            version=current.version,
            target=current.event.commit,
            events=artifact.events,
            facts=written,
            reason=message,
            sign=sign,
        )

    def tell(planned: Plan) -> tuple[str, str]:
        artifact, version, before = told
        now = f"{before} is there again" if before else "nothing is there now"
        return f"took {artifact}@{version} out of {environment}; {now}", f"`mlgit model show {artifact}`"

    wish = Wish(push, remote, dry_run, as_json, after_future_date=after_future_date)
    return desk.carry_out(project, rebuild, wish, tell=tell)
