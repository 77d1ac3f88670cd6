"""`mlgit model verify`: whether the registry's tags are what was written, and what policy asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.model.verify import VerifyResult


@click.command(
    epilog="Examples: `mlgit model verify`, `mlgit model verify churn --json`.",
    short_help="Find moved, deleted, forked, backdated and unsigned tags, and promotions past policy.",
)
@click.argument("name", required=False)
@click.option("--remote", default="", metavar="NAME", help="Compare with this remote; without it with origin, or the only one.")
@click.option("--offline", is_flag=True, help="Look at this clone alone, and compare with no remote.")
@click.option("--deep", is_flag=True, help="Read the bytes of what is in use, at the DVC remote too, and hash them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@timeout_option()
def command(name: str | None, *, remote: str, offline: bool, deep: bool, as_json: bool) -> int:
    """Check the chain of every model's tags (or NAME's) against one another, against the log of what was published and
    against the remote; whether every promotion shows what the mlgit.yaml of the default branch asked; signatures; and
    whether the bytes of what is in use can be had and are those recorded: by the size and md5 that the DVC
    remote reports, or, with --deep, by reading them.

    Exit code 0 when all is as it was written, 1 when something is not, 2 when it could not be compared with the remote, or
    the DVC remote could not be asked.
    """
    from mlgit.commands.model.verify import verify

    if remote and offline:
        raise click.UsageError("--offline compares with no remote: leave out one of the two")
    result = verify(name, remote=remote, offline=offline, deep=deep, note=note)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result, offline=offline)
    return result.exit_code


def _show(result: VerifyResult, *, offline: bool) -> None:
    from mlgit.commands.model.registry_rows import override

    for each in result.findings:
        click.echo(f"{plain(each.ref)}: {each.kind}: {plain(each.message)}")
        click.echo(f"  {plain(each.hint)}")
    for event in result.overridden:
        click.echo(f"{plain(event.ref)}: POLICY OVERRIDDEN by {plain(event.author)}: {plain(override(event))}")
    for told in result.notes:
        click.echo(f"note: {plain(told)}")
    for trouble in result.unanswered:
        click.echo(plain(trouble))
    if result.findings:
        said = count(len(result.findings), "finding")
    else:
        said = "nothing wrong found, but not all could be looked at" if result.unanswered else "all as written"
    place = f", compared with '{result.compared_with}'" if result.compared_with else ""
    place = ", compared with no remote (--offline)" if offline else place
    number, models = count(len(result.events), "tag"), count(len(result.artifacts), "model")
    click.echo(f"{said}: {number} of {models}{plain(place)}")
