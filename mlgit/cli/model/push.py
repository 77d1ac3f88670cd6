"""`mlgit model push`: publish the tags of models that were kept in this clone."""

from __future__ import annotations

import json

import click

from mlgit import errors
from mlgit.commands.model.push import push
from mlgit.render.text import plain


@click.command(
    epilog="Examples: `mlgit model push`, `mlgit model push churn --remote upstream`.",
    short_help="Publish the model tags that are only in this clone.",
)
@click.argument("name", required=False)
@click.option("--remote", default="origin", show_default=True, metavar="NAME", help="The Git remote to push to.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str | None, *, remote: str, as_json: bool) -> int:
    """Push the tags of NAME, or of every model, that the remote does not have, each together with the log of what was
    published: a tag that is pushed without the log could be taken away unseen.
    """
    result = push(name, remote=remote)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return errors.EXIT_YES
    tags = ", ".join(result.pushed)
    click.echo(f"pushed to {plain(remote)}: {plain(tags)}" if tags else f"{plain(remote)} has all tags of models")
    for note in result.notes:
        click.echo(f"note: {plain(note)}")
    return errors.EXIT_YES
