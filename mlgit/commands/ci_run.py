"""The half of continuous integration that runs what was proposed, judges it, and makes a report."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlgit import __version__, errors
from mlgit import project as projects
from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.system import files
from mlgit.commands import ci_changes, picked_trials
from mlgit.commands.review import review_change
from mlgit.commands.run import RunReporter, RunResult, run
from mlgit.commands.stage_failures import cause, last_lines
from mlgit.errors import MlgitError
from mlgit.gate.review import Review
from mlgit.pipeline.scheduler import Result
from mlgit.report import build, document, html, markdown, marker
from mlgit.report.build import Context
from mlgit.report.document import Failure, Report, Run, Side, StageRun
from mlgit.revision import comparison_start
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revisions import Revisions

FOLDER = "mlgit-report"


@dataclass(frozen=True, slots=True)
class CiRunResult:
    """The report of a change, and the review it rests on; without one, `trouble` says why, or a stage failed."""

    report: Report
    exit_code: int
    review: Review | None = None
    trouble: MlgitError | None = None


def current_job() -> CiJob:
    """The CI job that this process is part of; one that knows nothing on a laptop."""
    return ci_env.read(os.environ)


def ci_run(
    job: CiJob,
    *,
    base: str | None = None,
    labels: Sequence[str] = (),
    key: str = "default",
    run_stages: bool = True,
    force: bool = False,
    compute_if_unreachable: bool = False,
    jobs: int | None = None,
    reporter: RunReporter | None = None,
    on_run: Callable[[RunResult], None] | None = None,
) -> CiRunResult:
    """Bring the pipeline up to date, compare with the baseline, apply its gates, and make a report of it all.

    `labels` stand beside those of the job; `on_run` gets the result of the run as soon as there is one. Raises MlgitError
    only for what nobody could report: no project, or a key that no comment can have.
    """
    marker.check_key(key)
    revisions = Revisions(projects.find())
    project = revisions.project
    head = job.head or revisions.head
    context = Context(__version__, key, Side(head, job.head_branch), run_of(job), job.is_fork)
    stages: list[StageRun] = []
    try:
        ci_changes.check_head(project, job)
        ci_changes.refuse_brought_notes(project)
        if run_stages:
            ran = run(
                jobs=jobs,
                force=force,
                compute_if_unreachable=compute_if_unreachable,
                pull=ci_changes.has_remote(revisions),
                reporter=reporter,
            )
            stages += _stages(ran.stages)
            if on_run:
                on_run(ran)
            if ran.unanswered:
                raise ran.unanswered
            if ran.failed:
                return CiRunResult(build.report(context, stages=stages, failure=_failure(ran.failed[0])), ran.exit_code)
        revisions.reopen_workspace()  # stages ran
        return _judged(revisions, job, context, stages, base=base, labels=(*job.labels, *labels))
    except MlgitError as error:
        told = f"{error.message} ({error.hint})" if error.hint else error.message
        report = build.report(context, stages=stages, notes=[told])
        return CiRunResult(report, errors.EXIT_CANNOT_ANSWER, trouble=error)


def run_of(job: CiJob) -> Run:
    """A job as reports name it."""
    return Run(job.run, job.attempt, str(job.run or ""), job.url)


def _judged(
    revisions: Revisions, job: CiJob, context: Context, stages: list[StageRun], *, base: str | None, labels: Sequence[str]
) -> CiRunResult:
    project = revisions.project
    into = None if base else ci_changes.target(project, job)
    today, is_fetched = datetime.date.today(), ci_changes.has_remote(revisions)
    review = review_change(revisions, base=base, into=into, labels=labels, today=today, pull=is_fetched)
    began = comparison_start.start(revisions, base=None if into else base, head=RevisionRef(), into=into).point.commit
    found = ci_changes.read(revisions, began if into else base, review)
    trials = picked_trials.of_change(revisions, began)
    report = build.report(
        context, review=review, diff=found.diff, stages=stages, card=found.card, plots=found.plots, trials=trials
    )
    return CiRunResult(report, _exit_code(review), review)


def _exit_code(review: Review) -> int:
    """As `mlgit gate`, but that a project may have no gates: then there is nothing to fail."""
    if not review.judged:
        return errors.EXIT_YES
    return {"fail": errors.EXIT_NO, "invalid": errors.EXIT_CANNOT_ANSWER}.get(review.verdict, errors.EXIT_YES)


def _stages(results: Sequence[Result]) -> list[StageRun]:
    return [
        StageRun(each.stage.address, each.state, tuple(map(str, each.reasons)), each.seconds if each.state == "ran" else None)
        for each in results
        if not each.stage.is_source
    ]


def _failure(failed: Result) -> Failure:
    said = last_lines(failed.job.log) if failed.job else []
    lines = tuple(said[-document.MAX_LINES :]) or (cause(failed),)
    command = failed.outcome.command if failed.outcome else ""
    return Failure(failed.stage.address, command, failed.outcome.code if failed.outcome else 1, lines)


def write_report(folder: Path, report: Report) -> None:
    """Write report.json, report.md and report.html into a folder, which is made where there is none."""
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
