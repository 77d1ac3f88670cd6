"""`mlgit dag`: the pipeline as a picture."""

from __future__ import annotations

import json

import click

from mlgit import errors
from mlgit.commands.open_project import open_project
from mlgit.pipeline.draw import FORMATS, draw
from mlgit.pipeline.graph import select


@click.command(
    epilog="Examples: `mlgit dag`, `mlgit dag train --format mermaid`, `mlgit dag --format svg > pipeline.svg`.",
    short_help="Draw the pipeline.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="The kind of picture.")
@click.option("--json", "as_json", is_flag=True, help="Print the stages and what they need as one JSON document.")
def command(targets: tuple[str, ...], form: str, as_json: bool) -> int:
    """Draw the stages and what each of them needs.

    A TARGET is a stage, a dvc.yaml or .dvc file, a folder or an output; it is drawn with all that it needs.
    """
    opened = open_project()
    graph = opened.pipeline.graph
    chosen = graph.closure(select(graph, targets, here=opened.here, root=str(opened.project.root)))
    if as_json:
        names = [stage.address for stage in graph.stages]
        rows = [
            {"name": names[number], "needs": [names[need] for need in sorted(graph.needs[number])]} for number in sorted(chosen)
        ]
        click.echo(json.dumps({"schema": 1, "stages": rows}, indent=2))
    elif chosen:
        click.echo(draw(graph, chosen, form=form), nl=False)
    else:
        click.echo("no stages: declare some in dvc.yaml", err=True)
    return errors.EXIT_YES
