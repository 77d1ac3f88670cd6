"""`mlgit model reproduce`: make a version again and compare."""

from __future__ import annotations

import json

import click

from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import plain

_SAID = {
    "identical": "made again: every byte is as recorded",
    "equal metrics": "made again: other bytes, but all metrics are as recorded",
    "different": "made again: the metrics are not as recorded",
    "failed": "could not be made again: a stage failed",
}


@click.command(
    epilog="Examples: `mlgit model reproduce churn@v1.2.0`, `mlgit model reproduce 'churn#prod' --json`.",
    short_help="Make a version again from its commit, and compare.",
)
@click.argument("reference", metavar="NAME[@VERSION|#ENVIRONMENT]")
@click.option("--keep", is_flag=True, help="Leave the worktree in which it was made.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@timeout_option()
def command(reference: str, *, keep: bool, as_json: bool) -> int:
    """Run a version's stages again in a temporary worktree of its commit, and compare the model's bytes, then its metrics.

    Workspace, cache and dvc.lock stay as they are; the stages run in the environment that is active now. Exit code 0 when
    bytes or all metrics are as recorded, 1 when they are not or a stage failed, 2 when it could not be tried.
    """
    from mlgit.commands.model.reproduce import reproduce

    result = reproduce(reference, keep=keep)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    rebuilt = result.rebuilt
    click.echo(plain(f"{result.name} {_SAID[rebuilt.outcome]}"))
    for row in rebuilt.differing:
        click.echo(plain(f"  {row}"))
    if rebuilt.folder:
        click.echo(plain(f"kept in {rebuilt.folder}; `git worktree remove --force {rebuilt.folder}` removes it"))
    return result.exit_code
