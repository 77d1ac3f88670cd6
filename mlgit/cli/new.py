"""`mlgit new`: a new ML repository from a template."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlgit.errors import MlgitError
from mlgit.render.terminal import table
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.new import NewResult
    from mlgit.scaffold.answers import Ask
    from mlgit.scaffold.manifest import Question, Value

_EPILOG = """\b
Examples:
  mlgit new tumor                              questions on a terminal, defaults elsewhere
  mlgit new tumor --defaults                   no questions
  mlgit new tumor -t minimal                   the smallest useful project
  mlgit new tumor --set package_name=tumor     one answer given
  mlgit new tumor --answers answers.yaml       answers from a YAML, JSON or TOML file
  mlgit new tumor -t ./our-template            a template of your own: a folder with a template.yaml
  mlgit new tumor -t https://host/org/ours.git@v1.2.0   from a Git repository at a tag, branch or commit
  mlgit new tumor -t https://host/org/all.git@v1#churn  the template in a folder of it
  mlgit new --list                             the templates that come with mlgit

Templates are data: nothing in them is run, so one from somebody else needs no trust.
"""


@click.command(epilog=_EPILOG)
@click.argument("directory", metavar="DIR", required=False)
@click.option(
    "-t",
    "--template",
    "wanted",
    default="tabular-classification",
    show_default=True,
    help="Its name, a path, or a Git URL with a tag.",
)
@click.option("--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Answer a question; may be repeated.")
@click.option("--answers", "answers_file", metavar="FILE", type=click.Path(path_type=Path), help="Read answers from a file.")
@click.option("--defaults", is_flag=True, help="Ask nothing; take the default of what is not answered.")
@click.option("--list", "show_list", is_flag=True, help="List the templates and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    directory: str | None,
    *,
    wanted: str,
    assignments: tuple[str, ...],
    answers_file: Path | None,
    defaults: bool,
    show_list: bool,
    as_json: bool,
) -> None:
    """Make the new folder DIR: a Git repository with a DVC project, rendered from a template, in one commit."""
    from mlgit.commands.new import new

    if show_list:
        _print_list(as_json=as_json)
        return
    if directory is None:
        raise click.UsageError("the folder to make is missing", click.get_current_context())
    if not directory.strip():
        raise MlgitError(f"'{directory}' is no name for a folder", "for example `mlgit new my-model`")
    ask = None if defaults else asker()
    result = new(directory, template=wanted, assignments=assignments, answers_file=answers_file, ask=ask)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result, directory)


def asker() -> Ask | None:
    """What asks a question of a template, where somebody can be asked."""
    return _ask if sys.stdin.isatty() and sys.stdout.isatty() else None


def _ask(question: Question, presumed: Value | None) -> Value:
    """Ask on the terminal until the answer is one the question takes; on standard error, so that --json stays JSON."""
    from mlgit.scaffold import answers

    def read(text: str) -> Value:
        try:
            return answers.coerce(question, text, name="answer")
        except MlgitError as error:
            raise click.UsageError(error.message) from error

    for choice, doc in question.choices.items():
        click.echo(plain(f"  {choice}: {doc}"), err=True)
    answer: Value = click.prompt(
        plain(f"{question.doc} ({answers.expected(question)})"), default=_shown(presumed), value_proc=read, err=True
    )
    return answer


def _shown(value: Value | None) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(value)
    return None if value is None else str(value)


def _print_list(*, as_json: bool) -> None:
    from mlgit.commands.template_library import templates

    found = templates()
    if as_json:
        rows = [{"name": each.name, "version": each.version, "description": each.description} for each in found]
        click.echo(json.dumps({"schema": 1, "templates": rows}, indent=2))
    else:
        click.echo(table(("template", "version", "what"), [(each.name, each.version, each.description) for each in found]))


def _show(result: NewResult, directory: str) -> None:
    made, manifest = result.created, result.template
    place = f" of {result.source.name}" if result.source.kind == "url" else ""
    pinned = f" ({' '.join(filter(None, (result.source.ref, result.source.commit[:10])))})" if place else ""
    what = f"{count(made.n_files, 'file')}, commit {made.commit[:10]}"
    click.echo(f"Made {plain(str(made.folder))} from {manifest.name} {manifest.version}{plain(place)}{plain(pinned)}: {what}.")
    for note in result.notes:
        click.echo(f"note: {plain(note)}", err=True)
    click.echo("\nNext:")
    for line in result.following(directory):
        click.echo(f"  {line}")
