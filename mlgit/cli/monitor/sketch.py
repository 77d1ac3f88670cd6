"""`mlgit monitor sketch`: what the training data look like, as a small file."""

from __future__ import annotations

import json

import click

from mlgit import errors
from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import json_option
from mlgit.render.text import count, plain


@click.command(
    epilog="Examples: `mlgit monitor sketch churn`, `mlgit monitor sketch churn -o monitoring/churn.sketch.json`.",
    short_help="Sketch the training data, as a stage of the pipeline.",
)
@click.argument("name")
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="The file to write, default as mlgit.yaml has it.")
@click.option(
    "--predictions",
    "with_predictions",
    is_flag=True,
    help="Keep metrics and the calibration of scores too: the stage depends on the predictions then.",
)
@json_option()
def command(name: str, *, output: str | None, with_predictions: bool, as_json: bool) -> int:
    """Write down what the training data of a model look like: how many values of each batch fall into which cell.

    NAME is a model of mlgit.yaml with `train:`. No row is kept; levels of columns that the contract classifies are hashes. As
    a stage of the pipeline, with the training data as its dependency, the sketch is pinned by every release, and
    `mlgit monitor run` needs no training data at all.
    """
    from mlgit.commands.monitor_sketch import sketch

    result = sketch(name, output=output, with_predictions=with_predictions)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2, allow_nan=False))
        return errors.EXIT_YES
    batches = result.sketch.batches
    rows = count(sum(batches.sizes), "row")
    cut = {"column": f"cut by {batches.by}", "versions": "by versions in Git", "rows": "of all rows"}[batches.kind]
    number = len(batches.names)
    columns = count(len(result.sketch.columns), "column")
    click.echo(plain(f"{result.path}: {rows}, {columns}, {number} batch{'' if number == 1 else 'es'} {cut}"))
    for each in result.notes:
        note(plain(each))
    return errors.EXIT_YES
