"""`mlgit dag`: the pipeline as a picture."""

from __future__ import annotations

import json

import click

from mlgit import errors

FORMATS = ("text", "mermaid", "dot", "svg")


@click.command(
    epilog="Examples: `mlgit dag`, `mlgit dag train --format mermaid`, `mlgit dag --format svg > pipeline.svg`.",
    short_help="Draw the pipeline.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--format", "form", type=click.Choice(FORMATS), show_default="text", help="The kind of picture.")
@click.option("--json", "as_json", is_flag=True, help="Print the stages and what they need as one JSON document.")
def command(targets: tuple[str, ...], form: str | None, as_json: bool) -> int:
    """Draw the stages and what each of them needs.

    A TARGET is a stage, a dvc.yaml or .dvc file, a folder or an output; it is drawn with all that it needs.
    """
    from mlgit.commands.dag import dag

    if as_json and form:
        raise click.UsageError(f"--json and --format {form} exclude each other")
    found = dag(targets)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
    elif found.chosen:
        click.echo(found.picture(form or "text"), nl=False)
    else:
        click.echo("no stages: declare some in dvc.yaml", err=True)
    return errors.EXIT_YES
