"""`mlgit template`: what templates there are, and the project of the current folder held against its own."""

from __future__ import annotations

import json
import sys

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.group import SuggestingGroup
from mlgit.cli.preferences import use_color
from mlgit.cli.template_check import command as check
from mlgit.cli.template_update import abort, add, remove, update
from mlgit.render.terminal import paint, table
from mlgit.render.text import count, plain

_PATCH_COLORS = {"+": "green", "-": "red", "@": "cyan"}


@click.group(
    cls=SuggestingGroup,
    epilog="Examples: `mlgit template show tabular-classification`, `mlgit template status`, `mlgit template update`, "
    "`mlgit template add docker`.",
    short_help="List templates, and update a project from its own.",
)
def command() -> None:
    """Templates: what a project can be made from, and what becomes of it when its template changes."""


@command.command("list", short_help="List the templates that come with mlgit.", epilog="Example: `mlgit template list --json`.")
@json_option()
def list_(*, as_json: bool) -> None:
    """List the templates that come with mlgit."""
    from mlgit.commands.template_library import templates

    found = templates()
    if as_json:
        rows = [
            {"name": each.name, "version": each.version, "description": each.description, "features": list(each.features)}
            for each in found
        ]
        click.echo(json.dumps({"schema": 1, "templates": rows}, indent=2))
    else:
        click.echo(table(("template", "version", "what"), [(each.name, each.version, each.description) for each in found]))


@command.command(
    short_help="Say what a template asks, offers and writes.",
    epilog="Examples: `mlgit template show minimal`, `mlgit template show ./our-template`.",
)
@click.argument("name", metavar="TEMPLATE")
@json_option()
def show(name: str, *, as_json: bool) -> None:
    """Say what TEMPLATE asks, which features it has, and which files it writes.

    TEMPLATE is a name, a folder, or the URL of a Git repository, as `mlgit new -t` takes it.
    """
    from mlgit.commands.template_library import describe

    found = describe(name)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
        return
    from mlgit.scaffold import answers

    manifest = found.manifest
    click.echo(f"{manifest.name} {manifest.version}: {plain(manifest.description)}")
    rows = [(each.name, answers.expected(each), plain(each.doc)) for each in manifest.questions]
    click.echo("\n" + table(("question", "answer", "what"), rows))
    offered = manifest.features
    if offered:
        said = [
            (name, plain(what), ", ".join(found.by_feature[name]) or "within other files") for name, what in offered.items()
        ]
        click.echo("\n" + table(("feature", "what", "files"), [(n, w, plain(f)) for n, w, f in said]))
    click.echo(f"\n{count(len(found.files), 'file')} of a project called my-model:")
    for path in found.files:
        click.echo(f"  {plain(path)}")


@command.command(
    short_help="Compare the project with its template.",
    epilog="Examples: `mlgit template status`, `mlgit template status --json`.",
)
@json_option()
def status(*, as_json: bool) -> int:
    """Say how many versions the project is behind its template, and which files differ from what that gave, and how.

    Exit code 0 where it is current and nothing differs, 1 where it is behind or files differ, 2 where that cannot be said.
    """
    from mlgit.commands.template_status import status as compare

    result = compare()
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    known = result.recorded
    at = f" from {plain(result.source)}" if result.source != "mlgit" else ""
    click.echo(f"{known.template} {known.version}{at}: {_behind(result.behind, result.newest, known.version, result.problem)}")
    for version, what in result.changes:
        click.echo(f"  {version}" + (f": {plain(what)}" if what else ""))
    for file in result.files or ():
        lines = f"+{file.added} -{file.removed}" if file.added is not None else ""
        said = f"to {file.renamed_to}" if file.renamed_to else ""
        click.echo("  ".join(word for word in (f"{file.state:<8}", plain(file.path), plain(said), lines) if word))
    if result.files is not None and not result.files:
        click.echo("every file is as the template gave it")
    for note in result.notes:
        click.echo(f"note: {plain(note)}", err=True)
    if result.problem:
        click.echo(f"note: whether there is a newer version could not be asked: {plain(result.problem)}", err=True)
    elif result.behind:
        click.echo("`mlgit template update` merges what is new; --dry-run says what it would do")
    return result.exit_code


def _behind(behind: int, newest: str, version: str, problem: str) -> str:
    if problem:
        return "whether it is current is not known"
    if not behind:
        return "current"
    if newest.removeprefix("v") == version:
        return "the same version gives other files now"
    return f"{count(behind, 'version')} behind, {newest} is there"


@command.command(
    short_help="Show what was changed in the template's files.",
    epilog="Examples: `mlgit template diff`, `mlgit template diff dvc.yaml src`.",
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
def diff(paths: tuple[str, ...]) -> int:
    """Show what has been changed in the files that the template gave, as a patch. Exit code 1 where there is anything."""
    from mlgit.commands.template_status import changes

    text = changes(paths)
    show_patch(text)
    return 1 if text else 0


def show_patch(text: str) -> None:
    """Print a patch: for people on a terminal coloured and safe, else byte by byte as it can be applied."""
    if not sys.stdout.isatty():
        click.echo(text.encode("utf-8", "surrogateescape"), nl=False)
        return
    color = use_color(sys.stdout)
    for line in text.removesuffix("\n").split("\n") if text else ():
        shown = plain(line)
        click.echo(paint(shown, _PATCH_COLORS[line[0]], color=True) if color and line[:1] in _PATCH_COLORS else shown)


for each in (update, add, remove, abort, check):
    command.add_command(each)
