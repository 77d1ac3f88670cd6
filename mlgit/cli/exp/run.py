"""`mlgit exp run`: try the pipeline with other parameters."""

from __future__ import annotations

import click

from mlgit.cli.remote_options import timeout_option
from mlgit.executors import table

SAMPLERS = ("grid", "random", "tpe")


@click.command(
    epilog="Examples: `mlgit exp run --set train.C=0.1,1,10 --set train.depth=2..8`, "
    "`mlgit exp run --set train.lr=1e-4..1e-1/log --sampler tpe --trials 50 --until 'roc_auc>=0.95'`.",
    short_help="Try the pipeline with other parameters.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--set", "space", multiple=True, metavar="[FILE:]PARAM=VALUES", help="Values to try: a,b or LOW..HIGH, /log, /STEP."
)
@click.option("--sampler", type=click.Choice(SAMPLERS), default="grid", show_default=True, help="How the values are searched.")
@click.option("--trials", "n_trials", type=click.IntRange(min=1), metavar="N", help="At most so many trials.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Where draws begin.")
@click.option("--objective", default="", metavar="METRIC", help="What is searched for (default: the one metric of mlgit.yaml).")
@click.option(
    "--until", default="", metavar="CONDITION", help="Begin no more trials when one has reached this: 'roc_auc>=0.9'."
)
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Commands at once, over all trials (default: the number of CPUs)."
)
@click.option("--force", is_flag=True, help="Run trials that are recorded already, without the run cache.")
@click.option("--queue", "only_queue", is_flag=True, help="Only ask for the trials: the next `mlgit exp run` runs them.")
@click.option("--pull", is_flag=True, help="Fetch data and results that are missing here from the DVC remote.")
@click.option(
    "--compute-if-unreachable", is_flag=True, help="With --pull: run what is missing where the DVC remote cannot be asked."
)
@timeout_option()
@click.option("--executor", type=click.Choice(table.NAMES), default="local", show_default=True, help="Where commands run.")
@click.option("--scheduler", "cluster", metavar="ADDRESS", help="With dask: the cluster to use (default: a local one).")
@click.option(
    "--resources", multiple=True, metavar="NAME=AMOUNT", help="Totals for meta.mlgit.resources (default: the machine's)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
def command(
    targets: tuple[str, ...],
    *,
    space: tuple[str, ...],
    sampler: str,
    n_trials: int | None,
    seed: int,
    objective: str,
    until: str,
    jobs: int | None,
    force: bool,
    only_queue: bool,
    pull: bool,
    compute_if_unreachable: bool,
    executor: str,
    cluster: str | None,
    resources: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run the pipeline with each of these settings, beside the working tree, and keep every trial as a ref of Git.

    VALUES are a list (0.1,0.2), a range (2..8, 0.1..0.9/0.2 with a step, 1e-4..1e-1/log), or one list ([64,32]). All
    combinations are tried; with `--sampler random` or `tpe` so many as `--trials` says. Without --set, what was asked for and
    is not done is run, or else one trial of what lies in the working tree.

    Trials begin with all tracked files as they lie there. They run in working trees of their own: yours, the index and the
    stash are not touched. A stage that several trials share runs once. Killed and typed again, the command goes on; a trial
    that is recorded already is shown, and not run. In another terminal, more can be added while it runs.

    Exit code 0 when all trials are recorded, 1 when one failed, 2 when none could be begun.
    """
    from mlgit.cli.exp.trial_screen import conclude, reporter
    from mlgit.commands.exp_run import SweepPlan, exp_run

    if compute_if_unreachable and not pull:
        raise click.UsageError("--compute-if-unreachable goes with --pull")
    if cluster is not None and executor != "dask":
        raise click.UsageError("--scheduler goes with --executor dask")
    result = exp_run(
        SweepPlan(space, targets, sampler=sampler, n_trials=n_trials, seed=seed, objective=objective, until=until),
        jobs=jobs,
        force=force,
        pull=pull,
        compute_if_unreachable=compute_if_unreachable,
        executor=executor,
        cluster=cluster,
        resources=resources,
        only_queue=only_queue,
        reporter=reporter(as_json=as_json),
    )
    return conclude(result, as_json=as_json)
