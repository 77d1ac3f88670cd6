"""`mlgit exp import`: bring what other tools recorded."""

from __future__ import annotations

import json

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import json_option

KINDS = ("mlflow", "dvclive", "git")


@click.command(
    "import",
    epilog="Examples: `mlgit exp import mlruns/`, `mlgit exp import sqlite:///mlflow.db`, `mlgit exp import "
    "https://mlflow.example.com`, `mlgit exp import dvclive/ ../old-project`.",
    short_help="Bring experiments of MLflow, DVCLive or another repository.",
)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--from", "kind", type=click.Choice(KINDS), help="What SOURCE is, where that cannot be seen.")
@click.option("--artifacts", metavar="FOLDER", help="Where MLflow's files lie, if not beside its database or in its store.")
@click.option("--no-artifacts", is_flag=True, help="Leave out the files that runs logged.")
@json_option()
def command(sources: tuple[str, ...], *, kind: str | None, artifacts: str | None, no_artifacts: bool, as_json: bool) -> int:
    """Bring experiments that were recorded with other tools, or in another repository.

    SOURCE is an MLflow server (a URL), its database of SQLite or its folder mlruns/; a folder that DVCLive wrote; or a Git
    repository with trials (refs/exps). Runs keep their ids: typed again, the command brings what is new, and a run that was
    changed here since stays as it is. What could not be taken is said.

    MLflow's files are looked for beside its database, in its store, and below --artifacts; absolute paths that lead
    elsewhere are not followed. MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD, open a server.
    """
    from mlgit.cli.exp import exchange_screen
    from mlgit.commands.exp_import import import_experiments

    if artifacts is not None and no_artifacts:
        raise click.UsageError("--artifacts and --no-artifacts exclude each other")
    result = import_experiments(sources, kind=kind, artifacts=artifacts, with_files=not no_artifacts, note=note)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        exchange_screen.imported(result)
    return result.exit_code
