"""`mlgit model event`: what a tag says, for a job that was started by its push."""

from __future__ import annotations

import json

import click

from mlgit.cli.error_boundary import note
from mlgit.render.text import moment, plain


@click.command(
    epilog='Example, in a job that a pushed tag started: `mlgit model event "$GITHUB_REF" --json`.',
    short_help="What one tag says, refused if it is forged.",
)
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(ref: str, *, as_json: bool) -> int:
    """One event from the tag REF (with or without refs/tags/), for CI jobs.

    Exit code 1 when something is wrong with the tag or with the chain it stands in, or when it does not show what policy
    asked; 2 when it is no tag of the registry.
    """
    from mlgit.commands.model.event import event

    found = event(ref, note=note)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
        return found.exit_code
    if found.event:
        click.echo(plain(found.event.body.sentence))
        click.echo(f"{moment(found.event.time)} by {plain(found.event.author)} <{plain(found.event.email)}>")
    for each in found.findings:
        click.echo(f"{plain(each.ref)}: {each.kind}: {plain(each.message)}\n  {plain(each.hint)}")
    return found.exit_code
