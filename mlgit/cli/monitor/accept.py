"""`mlgit monitor accept`: a window that alarmed is what the model is to be used for."""

from __future__ import annotations

import json

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import json_option
from mlgit.render.text import plain


@click.command(
    epilog='Examples: `mlgit monitor accept 2026-05-03 --reason "the new office opened"`, `mlgit monitor accept 2026-W19 '
    '--model churn#prod --reason "campaign, until June" --push`.',
    short_help="Accept a window that alarmed, with a reason.",
)
@click.argument("window", metavar="WINDOW")
@click.option("--model", "name", metavar="NAME[#ENV]", help="The model, where several have such a window.")
@click.option("--reason", required=True, metavar="TEXT", help="Why this data is what the model is to be used for.")
@click.option("--push", is_flag=True, help="Send it to the remote at once, so that other runners know of it.")
@click.option("--remote", default="origin", show_default=True, metavar="NAME", help="The Git remote to push to.")
@json_option()
def command(window: str, *, name: str | None, reason: str, push: bool, remote: str, as_json: bool) -> int:
    """Accept WINDOW, by its name or digest, as `mlgit monitor show` has it: it alarmed, and the data is as it should be.

    From then on later windows are held against it as well, and `mlgit monitor show` answers with 0 for it. The acceptance
    is a commit behind the verdicts, by you; it is about the version that was judged, and the next one is judged anew. Without
    it nothing that alarmed ever becomes part of what is quiet.
    """
    from mlgit.cli.monitor import verdict_screen  # with the registry's grammar
    from mlgit.commands.monitor_accept import accept

    result = accept(window, reason=reason, name=name, push=push, remote=remote)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    place = f" in {result.environment}" if result.environment else ""
    if result.is_new:
        click.echo(
            plain(f"accepted the window '{result.acceptance.name}' of {result.model}{place}: {result.acceptance.reason}")
        )
    else:
        click.echo(f"nothing to do: {verdict_screen.accepted(result.acceptance)}")
    for each in result.notes:
        note(each)
    if result.is_new and not push:
        note("only in this clone so far: `mlgit push` sends it")
    return result.exit_code
