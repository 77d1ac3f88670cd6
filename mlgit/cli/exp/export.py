"""`mlgit exp export`: send trials and runs to MLflow."""

from __future__ import annotations

import json

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import json_option


@click.command(
    epilog="Examples: `mlgit exp export http://127.0.0.1:5000`, `mlgit exp export sqlite:///mlflow.db --experiment nets`.",
    short_help="Send trials and runs to MLflow.",
)
@click.argument("uri", metavar="URI")
@click.option("--to", type=click.Choice(["mlflow"]), default="mlflow", show_default=True, help="What URI is a store of.")
@click.option("--experiment", "experiments", multiple=True, metavar="NAME", help="Only this experiment; repeatable.")
@click.option("--no-trials", is_flag=True, help="Leave out the trials of the pipeline.")
@click.option("--no-artifacts", is_flag=True, help="Leave out the files that runs logged.")
@json_option()
def command(uri: str, *, to: str, experiments: tuple[str, ...], no_trials: bool, no_artifacts: bool, as_json: bool) -> int:
    """Send the runs of this repository and the trials of its pipeline to a store of MLflow: a server, a database, files.

    To look at them in MLflow's pages nothing has to be sent: `mlflow server --backend-store-uri mlgit://` shows them as they
    are. Typed again, the command sends what is new; a run that was changed here since is sent anew, and its older copy deleted.
    Trials are runs of an experiment that is called as the project's folder is.
    """
    from mlgit.cli.exp import exchange_screen
    from mlgit.commands.exp_export import export_experiments

    del to
    result = export_experiments(uri, experiments=experiments, with_trials=not no_trials, with_files=not no_artifacts, note=note)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        exchange_screen.exported(result)
    return result.exit_code
