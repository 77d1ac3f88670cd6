"""`mlgit model approve`: say that one has looked at a version and stands for it."""

from __future__ import annotations

import click

from mlgit.cli.model import desk
from mlgit.cli.model.desk import RefusedError, Wish
from mlgit.commands import policy_inputs
from mlgit.registry import approvals
from mlgit.registry.plan import Plan
from mlgit.registry.policy import Check
from mlgit.registry.state import Version


@click.command(
    epilog="Examples: `mlgit model approve churn@v1.2.0 --sign --push`, `mlgit model approve churn@latest -m 'read the card'`.",
    short_help="Approve a version.",
)
@click.argument("version", metavar="NAME@V")
@click.option("--message", "-m", default="", metavar="TEXT", help="What was looked at.")
@desk.options()
def command(
    version: str, *, message: str, push: bool, remote: str, sign: bool, dry_run: bool, as_json: bool, after_future_date: bool
) -> int:
    """Approve a version: a tag on its tag, by you. It counts where an environment asks for approvals by others.

    The version's author and who registered it cannot approve it.
    """
    if "@" not in version and "#" not in version:
        raise click.UsageError(f"name the version that you looked at: {version}@V, {version}@latest or {version}#ENV")
    project = desk.project(version)
    mine = approvals.me(project.git_root)
    made: list[Version] = []

    def rebuild() -> Plan:
        found = desk.resolve(project.git_root, desk.registry(project), version)
        made[:] = [found]
        label = f"{found.artifact}@{found.name}"
        authors = {found.event.email.lower(), policy_inputs.author(project, found.commit).lower()}
        checks = [
            Check("registered", found.is_active, "" if found.is_active else f"{label} was withdrawn"),
            Check(
                "another person",
                mine.lower() not in authors,
                f"{mine} made or registered it",
                "somebody else has to approve it",
            ),
        ]
        if not all(each.ok for each in checks):
            raise RefusedError([each for each in checks if not each.ok], f"{label} is not approved")
        existing = approvals.of(project.git_root, found)
        return approvals.plan(found, existing, by=mine, reason=message, sign=sign)

    def tell(planned: Plan) -> tuple[str, str]:
        label = f"{made[0].artifact}@{made[0].name}"
        done = f"{mine} {'approves' if planned.ref else 'has approved'} {label}"
        return done, f"`mlgit model promote {label} ENVIRONMENT`"

    wish = Wish(push, remote, dry_run, as_json, after_future_date=after_future_date)
    return desk.carry_out(project, rebuild, wish, tell=tell)
