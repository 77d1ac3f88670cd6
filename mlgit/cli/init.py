"""`mlgit init`: bring mlgit into a Git repository that is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit.cli.new import asker
from mlgit.render.text import plain

if TYPE_CHECKING:
    from mlgit.commands.init import InitResult

_EPILOG = """\b
Examples:
  mlgit init                              the repository of the current folder
  mlgit init models/churn                 a project in a folder of a larger repository
  mlgit init --dry-run                    say what would be written
  mlgit init --set tests=yes              let ruff and pytest check the code, too
  mlgit init -t tabular-classification    merge a template into it, too
  mlgit init --set requirements=ci.txt    another file that lists what to install

No file that is there is changed; what is missing can be written by calling it again.
"""


@click.command(epilog=_EPILOG)
@click.argument("directory", metavar="[DIR]", required=False, default=".")
@click.option("-t", "--template", metavar="TEMPLATE", default="", help="Merge a whole template in: a name, a folder or a URL.")
@click.option("--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Answer a question; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(directory: str, *, template: str, assignments: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Bring mlgit into the Git repository that holds DIR (default: the current folder).

    Starts DVC where there is none, and writes mlgit.yaml (from what dvc.yaml declares), its schema, the workflows of
    GitHub with their composite actions, and a requirements file: each only where there is none of this name. With -t, every
    file of a template is merged in: one that is there and differs is a conflict that holds both versions, with exit code 1, and
    `mlgit template abort` takes it all back. `mlgit template update` goes on from either.
    """
    if template:
        from mlgit.cli.template_update import show_update
        from mlgit.commands.template_update import adopt_template

        ask = None if as_json or dry_run else asker()
        adopted = adopt_template(directory, template=template, assignments=assignments, ask=ask, dry_run=dry_run)
        return show_update(adopted, as_json=as_json)
    from mlgit.commands.init import init

    result = init(directory, assignments=assignments, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result)
    return 0


def _show(result: InitResult) -> None:
    done, dry_run = result.done, result.dry_run
    would = "would " if dry_run else ""
    if done.started_dvc:
        click.echo(f"{would}start DVC in {plain(done.place.prefix or '.')}" if dry_run else "started DVC")
    for path in done.written:
        click.echo(f"{would}write {plain(path)}" if dry_run else f"wrote      {plain(path)}")
    for path in done.left:
        click.echo(f"left alone {plain(path)}: there already")
    for note in result.notes:
        click.echo(f"note: {plain(note)}")
    for each in result.other_ci:
        click.echo(f"\nFor {plain(each.path)}:")
        for line in each.lines:
            click.echo(f"  {plain(line)}")
    click.echo("\nNext:")
    for line in result.following:
        click.echo(f"  {plain(line)}")
