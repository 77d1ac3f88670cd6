"""`mlgit remote`: the DVC remotes of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.group import SuggestingGroup
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import plain

if TYPE_CHECKING:
    from mlgit.commands.remote import RemoteAdded


@click.group(
    cls=SuggestingGroup,
    epilog="Examples: `mlgit remote add store s3://bucket/folder`, `mlgit remote list --check`.",
    short_help="Set up where data is kept for others.",
)
def command() -> None:
    """The DVC remotes of the project: where the bytes of data and models are kept for others."""


@command.command(epilog="Examples: `mlgit remote add store s3://bucket/folder`, `mlgit remote add disk /mnt/data --local`.")
@click.argument("name")
@click.argument("url")
@click.option("-d", "--default", is_flag=True, help="Make it the default remote, as the first one is anyway.")
@click.option("--project", "level", flag_value="project", default="project", help="Write .dvc/config, which is committed.")
@click.option("--local", "level", flag_value="local", help="Write .dvc/config.local, which is not committed.")
@click.option("--global", "level", flag_value="global", help="Write the configuration of this user, for all projects.")
@click.option("--system", "level", flag_value="system", help="Write the configuration of this machine.")
@click.option("-o", "--option", "options", multiple=True, metavar="KEY=VALUE", help="A setting of the remote, as DVC calls it.")
@click.option("-f", "--force", is_flag=True, help="Replace the remote of this name.")
@click.option("--no-check", is_flag=True, help="Do not ask it: it need not be reached from here.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def add(
    name: str, url: str, *, default: bool, level: str, options: tuple[str, ...], force: bool, no_check: bool, as_json: bool
) -> int:
    """Add a DVC remote, as `dvc remote add` does, once it has answered and has taken a file, which is removed again.

    URL is a folder, or s3://, gs://, azure://, ssh://, webdavs://, https:// and so on.
    """
    from mlgit.commands.remote import add_remote

    found = add_remote(name, url, options=options, default=default, level=level, force=force, check=not no_check)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
    else:
        _show(found)
    return errors.EXIT_YES


def _show(found: RemoteAdded) -> None:
    what = " (the default)" if found.is_default else ""
    click.echo(f"added {plain(found.name)}: {plain(found.url)}{what}")
    if not found.is_checked:
        click.echo("it was not asked whether it answers: `mlgit remote list --check`")
    elif found.is_writable:
        click.echo("it answers and can be written")
    else:
        click.echo("it answers; whether it can be written is not known before a push")
    if found.file == ".dvc/config":
        click.echo(f"commit {found.file}, and others have it too; `mlgit push` sends what is committed")


@command.command("list", epilog="Examples: `mlgit remote list`, `mlgit remote list --check --json`.")
@click.option("--check", is_flag=True, help="Ask each whether it answers; exit code 1 where one does not.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_(*, check: bool, as_json: bool) -> int:
    """List the DVC remotes that are configured here."""
    from mlgit.commands.remote import list_remotes

    found = list_remotes(check=check)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
        return found.exit_code
    for each in found.remotes:
        state = "" if each.trouble is None else "  answers" if not each.trouble else f"  does not answer: {each.trouble}"
        click.echo(plain(f"{each.name}  {each.url}{'  (default)' if each.is_default else ''}{state}"))
        if each.hint:
            click.echo(plain(f"    hint: {each.hint}"))
    if not found.remotes:
        click.echo("no DVC remote is configured: `mlgit remote add NAME URL` adds one", err=True)
    return found.exit_code
