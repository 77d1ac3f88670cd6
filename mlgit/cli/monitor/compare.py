"""`mlgit monitor compare`: a champion and the version on trial, by what both were asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint
from mlgit.render.text import count, level_of, number, plain, signed, span

if TYPE_CHECKING:
    from mlgit.commands.monitor_compare import AnswerComparison

_COLORS = {"pass": "green", "warn": "yellow", "fail": "red", "invalid": "red"}
_SAID = {
    "pass": "pass: no declared metric is shown to be worse",
    "warn": "warn: no declared metric is shown to be worse, and not all are shown to be as good",
    "fail": "fail: a declared metric is shown to be worse",
    "invalid": "invalid: no declared metric could be compared",
}


@click.command(
    epilog="Examples: `mlgit monitor compare churn`, `mlgit monitor compare churn --log logs/churn --from 2026-05-01`, `mlgit "
    "monitor compare churn --labels data/labels.csv --label left --id request_id`.",
    short_help="Compare the champion with the version on trial.",
)
@click.argument("name")
@click.option(
    "--log", metavar="PATH", type=click.Path(), help="A prediction log, or one of its files; default: that of mlgit.yaml."
)
@click.option("--from", "since", metavar="DATE", help="Only what was asked since then: a date, or a time in ISO 8601.")
@click.option("--to", "until", metavar="DATE", help="Only what was asked before that.")
@click.option("--labels", metavar="FILE", type=click.Path(), help="A table with the truth about requests.")
@click.option(
    "--label", metavar="COLUMN", help="The column of FILE with the truth; default: as mlgit.yaml has it for predictions."
)
@click.option("--id", "key", metavar="COLUMN", default="id", help="The column of FILE with the ids of the log, default `id`.")
@json_option()
def command(
    name: str,
    *,
    log: str | None,
    since: str | None,
    until: str | None,
    labels: str | None,
    label: str | None,
    key: str,
    as_json: bool,
) -> int:
    """Compare the champion of a model with the version on trial that was asked the same.

    NAME is a model whose server had a shadow: both answers to each request are in the prediction log, and are brought together
    by the request's id. Of several versions, those two count that were asked the same last.

    Without labels it is told how often both agree, and how far scores are apart. With labels the challenger is judged beside
    the champion as `mlgit gate` judges a change beside its baseline: by the rules of mlgit.yaml, on the same rows; without
    rules by every metric whose direction is declared.

    Exit code 0 when the challenger is not shown to be worse, 1 when it is, 2 when no request was answered by both, or labels
    decide nothing.
    """
    from mlgit.commands.monitor_compare import compare as compare_answers

    if not labels and (label or key != "id"):
        raise click.UsageError("--label and --id are columns of --labels FILE")
    result = compare_answers(name, log=log, since=since, until=until, labels=labels, label=label, key=key)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2, allow_nan=False))
    else:
        click.echo("\n".join(_told(result)), color=use_color(sys.stdout))
    return result.exit_code


def _told(result: AnswerComparison) -> Iterator[str]:
    pairs, color = result.pairs, use_color(sys.stdout)
    sides = [f"{each.version} ({each.role})" for each in (pairs.champion, pairs.challenger)]
    rows = count(len(pairs.ids), "row")
    yield plain(f"{result.model}: {sides[0]} and {sides[1]} answered the same {rows}, {pairs.since} to {pairs.until}")
    yield from _differences(result)
    for note in result.notes:
        yield f"{paint('note:', 'yellow', color=color)} {plain(note)}"
    if result.review is None:
        yield "who is right nobody knows yet: --labels FILE compares both by the metrics of mlgit.yaml"
        return
    from mlgit.gate import table

    yield ""
    if result.review.judged:
        yield table.render(result.review, current=sides[1], color=color)
        return
    assert result.verdict, "there are labels"
    yield paint(_SAID[result.verdict], _COLORS[result.verdict], color=color)
    yield ""
    yield from table.metrics(result.review.metrics)


def _differences(result: AnswerComparison) -> Iterator[str]:
    """How far both are apart, with the intervals."""
    if found := result.agreement:
        low, high, value = span(100 * found.low, 100 * found.high, 100 * found.value)
        level = level_of(found.confidence_level)
        yield f"the same prediction in {found.same} of {count(found.n, 'row')}: {value} % ({low} to {high}; {level})"
    if apart := result.amounts:
        what = "scores" if result.agreement else "predictions"
        mean = signed(apart.mean)
        if apart.low is not None and apart.high is not None:
            low, high, middle = span(apart.low, apart.high, apart.mean)
            mean = f"{'+' if apart.mean > 0 else ''}{middle} ({low} to {high}; {level_of(apart.confidence_level)})"
        yield f"on average {what} differ by {mean}"
        widest = f"{number(apart.wide)} in 99 % of the rows, {number(apart.widest)} at most"
        yield f"{what} are apart by {number(apart.typical)} on average, by no more than {widest}"
