"""`mlgit ci run`: the half that runs what was proposed, and leaves a report."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from mlgit import __version__, errors
from mlgit import project as projects
from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge.ci_env import Job
from mlgit.adapters.git import git
from mlgit.adapters.system import files
from mlgit.cli import edge
from mlgit.cli.ci import notices
from mlgit.cli.perform import perform
from mlgit.cli.progress import cause, last_lines
from mlgit.cli.remote_options import timeout_option
from mlgit.commands import ci_changes
from mlgit.commands.review import review_change
from mlgit.errors import MlgitError
from mlgit.gate import table
from mlgit.gate.review import Review
from mlgit.pipeline.scheduler import Result
from mlgit.project import Project
from mlgit.report import build, document, html, markdown, marker
from mlgit.report.build import Context
from mlgit.report.document import Failure, Report, Run, Side, StageRun
from mlgit.revision import comparison_start
from mlgit.revision.refs import RevisionRef

FOLDER = "mlgit-report"


@click.command(
    epilog="Examples: `mlgit ci run`, `mlgit ci run --no-run --base main`, `mlgit ci run -o /tmp/report`.",
    short_help="Run the pipeline, judge the change, and write a report.",
)
@click.option("--base", help="The revision to compare with (default: where this branch left the one it is to go to).")
@click.option("--label", "labels", multiple=True, help="A label of the pull request, beside those the forge tells; repeatable.")
@click.option("--key", default="default", show_default=True, help="Which comment it is, where a pull request has several.")
@click.option("--no-run", is_flag=True, help="Run no stage: judge what is there.")
@click.option("--force", is_flag=True, help="Run every stage, and believe no result that is recorded.")
@click.option("--compute-if-unreachable", is_flag=True, help="Run what is missing where the DVC remote cannot be asked.")
@timeout_option()
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Stages at once (default: the number of CPUs).")
@click.option("-o", "--out", default=FOLDER, show_default=True, help="The folder for report.json, report.md and report.html.")
def command(
    base: str | None,
    labels: tuple[str, ...],
    key: str,
    *,
    no_run: bool,
    force: bool,
    compute_if_unreachable: bool,
    jobs: int | None,
    out: str,
) -> int:
    """Bring the pipeline up to date, compare with the baseline, apply its gates, and write a report.

    What is missing is fetched from the default DVC remote, where there is one. In a job of GitHub, Gitea or GitLab the
    commit, the branch it is to go to and the labels are taken from the job; the step summary and annotations are written.

    Exit code 0 when the change passes (with or without warnings), 1 when a stage or a gate fails, 2 when the change could
    not be compared. The report is written in each case.
    """
    if no_run and force:
        raise click.UsageError("--no-run and --force exclude each other", click.get_current_context())
    marker.check_key(key)
    project = projects.find()
    job = ci_env.read(os.environ)
    run = partial(perform, jobs=jobs, force=force, compute_if_unreachable=compute_if_unreachable, pull=_has_remote(project))
    with notices.muted(job.kind):
        code, report = _made(
            project, job, base=base, labels=(*job.labels, *labels), key=key, run_stages=None if no_run else run
        )
    _write(Path(out), report)
    if job.summary:
        notices.summarize(Path(job.summary), markdown.summary(report))
    notices.tell(job.kind, report)
    click.echo(f"the report is in {out}")
    return code


def _made(
    project: Project,
    job: Job,
    *,
    base: str | None,
    labels: tuple[str, ...],
    key: str,
    run_stages: Callable[..., int] | None,
) -> tuple[int, Report]:
    """The exit code and the report; `run_stages` is None where nothing is to be run."""
    head = job.head or (git.resolve(project.git_root, "HEAD") if git.has_commits(project.git_root) else "")
    run = Run(job.run, job.attempt, str(job.run or ""), job.url)
    context = Context(__version__, key, Side(head, job.head_branch), run, job.is_fork)
    results: list[Result] = []
    try:
        ci_changes.check_head(project, job)
        ci_changes.refuse_brought_notes(project)
        if run_stages and (code := run_stages(told=results.extend)) != errors.EXIT_YES:
            return code, build.report(context, stages=_stages(results), failure=_failure(results))
        into = None if base else ci_changes.target(project, job)
        today, is_fetched = datetime.date.today(), _has_remote(project)
        review = review_change(project, base=base, into=into, labels=labels, today=today, pull=is_fetched)
        wanted = comparison_start.start(project, base=None, head=RevisionRef(), into=into).point.commit if into else base
        found = ci_changes.read(project, wanted, review)
    except MlgitError as error:
        edge.complain(error.message, error.hint)
        told = f"{error.message} ({error.hint})" if error.hint else error.message
        return errors.EXIT_CANNOT_ANSWER, build.report(context, stages=_stages(results), notes=[told])
    click.echo(table.render(review, current="workspace", color=False))
    report = build.report(context, review=review, diff=found.diff, stages=_stages(results), card=found.card, plots=found.plots)
    return _exit_code(review), report


def _has_remote(project: Project) -> bool:
    return ci_changes.has_remote(project)


def _exit_code(review: Review) -> int:
    """As `mlgit gate`, but that a project may have no gates: then there is nothing to fail."""
    if not review.judged:
        return errors.EXIT_YES
    return {"fail": errors.EXIT_NO, "invalid": errors.EXIT_CANNOT_ANSWER}.get(review.verdict, errors.EXIT_YES)


def _stages(results: list[Result]) -> list[StageRun]:
    return [
        StageRun(each.stage.address, each.state, tuple(map(str, each.reasons)), each.seconds if each.state == "ran" else None)
        for each in results
        if not each.stage.is_source
    ]


def _failure(results: list[Result]) -> Failure | None:
    failed = next((each for each in results if each.state == "failed"), None)
    if failed is None:
        return Failure("")
    said = last_lines(failed.job.log) if failed.job else []
    lines = tuple(said[-document.MAX_LINES :]) or (cause(failed),)
    command = failed.outcome.command if failed.outcome else ""
    return Failure(failed.stage.address, command, failed.outcome.code if failed.outcome else 1, lines)


def _write(folder: Path, report: Report) -> None:
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            # A report is no part of the change. A folder that was there may hold what is.
            files.write_atomic(folder / ".gitignore", "*\n")
        files.write_atomic(folder / "report.json", document.to_json(report))
        files.write_atomic(folder / "report.md", markdown.comment(report))
        files.write_atomic(folder / "report.html", html.page(report))
    except OSError as error:
        told = f"{error.filename or folder}: the report cannot be written there: {error.strerror}"
        raise MlgitError(told, "name another folder: `-o FOLDER`") from error
