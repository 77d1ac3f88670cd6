"""`mlgit run`: bring the pipeline up to date."""

from __future__ import annotations

import click

from mlgit import project
from mlgit.adapters import documents, edits, files
from mlgit.cli.perform import perform
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.render import plain


@click.command(
    epilog="Examples: `mlgit run`, `mlgit run train -j4`, `mlgit run --dry-run`, `mlgit run --set train.C=0.1`.",
    short_help="Run what is stale in the pipeline.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Stages at once (default: the number of CPUs).")
@click.option("--force", is_flag=True, help="Run the stages even if they are up to date, without the run cache.")
@click.option("-k", "--keep-going", is_flag=True, help="After a failure, go on with all that does not need it.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and run nothing.")
@click.option("--pull", is_flag=True, help="Fetch data and results that are missing here from the DVC remote.")
@click.option("--set", "changes", multiple=True, metavar="[FILE:]PARAM=VALUE", help="Set a parameter in its file first.")
@click.option("--executor", type=click.Choice(table.NAMES), default="local", show_default=True, help="Where commands run.")
@click.option("--scheduler", "cluster", metavar="ADDRESS", help="With dask: the cluster to use (default: a local one).")
@click.option(
    "--resources", multiple=True, metavar="NAME=AMOUNT", help="Totals for meta.mlgit.resources (default: the machine's)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
def command(
    targets: tuple[str, ...],
    *,
    jobs: int | None,
    force: bool,
    keep_going: bool,
    dry_run: bool,
    pull: bool,
    changes: tuple[str, ...],
    executor: str,
    cluster: str | None,
    resources: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run what is stale, in dependency order and side by side, and record it in dvc.lock.

    A TARGET is a stage, a dvc.yaml or .dvc file, a folder or an output; what it needs runs too. A result that the run
    cache knows is restored. Exit code 0 when all is up to date, 1 when a stage failed.
    """
    if cluster is not None and executor != "dask":
        raise click.UsageError("--scheduler goes with --executor dask")
    if changes and dry_run:
        raise click.UsageError("--set writes to parameter files, so it cannot be tried with --dry-run")
    if changes:
        _set_parameters(changes, quiet=as_json)
    return perform(
        targets,
        jobs=jobs,
        force=force,
        keep_going=keep_going,
        dry_run=dry_run,
        pull=pull,
        executor=executor,
        cluster=cluster,
        resources=resources,
        as_json=as_json,
    )


def _set_parameters(changes: tuple[str, ...], *, quiet: bool) -> None:
    """Write `[FILE:]PARAM=VALUE` into the parameter files of the workspace, and say what changed."""
    root = project.find().root
    for change in changes:
        target, equals, text = change.partition("=")
        file, _, key = target.rpartition(":")
        if not equals or not key or not text:
            raise MlgitError(f"--set: '{change}' is not PARAM=VALUE", "for example `--set train.depth=4`")
        name = file or "params.yaml"
        before = files.read_text(root / name, name=name)
        value = documents.parse_yaml(text, name="--set")
        after = edits.set_value(before, key, value, name=name)
        files.write_atomic(root / name, after)
        if not quiet:
            old = edits.value_at(before, key, name=name)
            change_text = f"{old} → {value}" if old != value else f"is {value} already"
            click.echo(plain(f"{'set':9}  {name}: {key}: {change_text}"))
