"""`mlgit monitor run`: are the data of today still those that the model was made for?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import json_option
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.monitor_run import ModelRun
    from mlgit.monitoring.verdict import MonitoredMetric, MonitorVerdict

_COLORS = {"quiet": "green", "watch": "yellow", "page": "red", "cannot_tell": "yellow"}
_WORDS = {"cannot_tell": "cannot tell"}
# So many windows are told at length; of more, a line each.
_AT_LENGTH = 3
_MOST_COLUMNS = 5


@click.command(
    epilog="Examples: `mlgit monitor run`, `mlgit monitor run churn`, `mlgit monitor run 'churn#prod' --current "
    "data/today.csv`, `mlgit monitor run --push` in a scheduled job.",
    short_help="Judge the windows that nobody has judged yet.",
)
@click.argument("name", required=False)
@click.option("--current", metavar="FILE", type=click.Path(), help="Judge this file, folder or pattern instead of `windows:`.")
@click.option("--no-record", is_flag=True, help="Judge, and write down nothing.")
@click.option("--partial", is_flag=True, help="Judge windows too that expect more rows.")
@click.option("--push", is_flag=True, help="Bring verdicts together with those of the remote, and send them.")
@click.option("--remote", default="origin", show_default=True, metavar="NAME", help="The Git remote to push to.")
@json_option()
def command(
    name: str | None,
    *,
    current: str | None,
    no_record: bool,
    partial: bool,
    push: bool,
    remote: str,
    as_json: bool,
) -> int:
    """Hold the data of today against those that the version in production was trained with.

    NAME is a model, or NAME#ENVIRONMENT; without it every model under `monitoring:` is watched. The reference is the sketch
    that its release pins, else the pinned data. Each window gets one verdict, a commit on refs/mlgit/monitor/NAME@ENVIRONMENT:
    quiet, watch (at most as often as `false_alarms` says, where nothing changed), page (evidence over all windows), or cannot
    tell, with what is missing. A window that was judged is not judged again.

    Exit code 0 when all is quiet, 1 for watch and page, 2 when it cannot be told. When there is no new window, that of the
    last one.
    """
    from mlgit.commands.monitor_run import run

    result = run(name, current=current, record=not no_record, push=push, remote=remote, partial=partial)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2, allow_nan=False))
        return result.exit_code
    for model in result.models:
        click.echo("\n".join(_told(model)), color=use_color(sys.stdout))
    for failed, error in result.failures:
        note(plain(f"{failed}: {error.message}" + (f"; {error.hint}" if error.hint else "")))
    return result.exit_code


def _told(model: ModelRun) -> Iterator[str]:
    where = f"{model.model}@{model.version}" + (f" in {model.environment}" if model.environment else "")
    known = f", {model.n_known} judged before" if model.n_known else ""
    waiting = f", {model.n_open} not over yet" if model.n_open else ""
    yield plain(f"{where}: {count(len(model.verdicts), 'new window')}{known}{waiting}")
    shown = model.verdicts[-_AT_LENGTH:]
    for each in model.verdicts[: -len(shown)] if shown else ():
        yield _line(each)
    for each in shown:
        yield from _at_length(each)
    if not model.verdicts and model.latest:
        yield f"the last one stands: {_line(model.latest)}"
    for told in dict.fromkeys(model.notes):
        yield plain(f"note: {told}")
    if model.verdicts and not model.is_recorded:
        yield "note: nothing was written down"


def _line(verdict: MonitorVerdict) -> str:
    window = verdict.window
    word = _WORDS.get(verdict.verdict, verdict.verdict)
    painted = paint(word, _COLORS[verdict.verdict], color=use_color(sys.stdout))
    said = f": {verdict.reason}" if verdict.reason else ""
    return f"{plain(window.name)}  {painted}{plain(said)}"


def _at_length(verdict: MonitorVerdict) -> Iterator[str]:
    from mlgit.monitoring import effects  # with numpy

    yield _line(verdict)
    if verdict.pvalue is not None and verdict.alpha is not None:
        beside = "rows drawn at random" if verdict.method == "permutation" else f"{verdict.n_batches} reference batches"
        how = f"{verdict.method} of {beside}" if verdict.method != "permutation" else f"by {beside}"
        beyond = ", extrapolated" if verdict.is_extrapolated else ""
        evidence = f"; evidence {verdict.martingale:.3g} of 100" if verdict.martingale is not None else ""
        rows, pvalue = count(verdict.window.rows, "row"), f"p = {verdict.pvalue:.3g}"
        yield f"  {rows}, {pvalue} (alpha {verdict.alpha:.3g}; {how}{beyond}){evidence}"
    moved = effects.moved(verdict.columns)[:_MOST_COLUMNS]
    width = max((len(plain(each.name)) for each in moved), default=0)
    for each in moved:
        texts = "; ".join(text for text in (each.effect, each.note) if text)
        yield f"  {plain(each.name):{width}}  {each.score:5.1f}  {plain(texts)}"
    for metric in verdict.metrics:
        yield f"  {plain(_metric(metric))}"
    if verdict.contract not in ("absent", "pass"):
        yield f"  contract: {verdict.contract}"
    if (shift := verdict.smallest_shift) and (shift.mean or shift.share):
        means = [f"a mean that moves by {shift.mean:g} sd"] if shift.mean else []
        shares = [f"{100 * shift.share:g} % of rows that move to one level"] if shift.share else []
        yield f"  would show in four of five such windows: {', '.join([*means, *shares])}"
    for blind in verdict.blind_to:
        yield plain(f"  not seen: {blind}")
    for told in verdict.notes:
        yield plain(f"  note: {told}")


def _metric(metric: MonitoredMetric) -> str:
    between = f" ({metric.low:.4g} to {metric.high:.4g})" if metric.low is not None and metric.high is not None else ""
    before = f", {metric.baseline:.4g} at release" if metric.baseline is not None else ""
    guessed = "estimated " if metric.is_estimated else ""
    broken = ": beyond its limit" if metric.is_broken else ""
    note_ = f" [{metric.note}]" if metric.note else ""
    return f"{guessed}{metric.name} {metric.value:.4g}{between}{before}{broken}{note_}"
