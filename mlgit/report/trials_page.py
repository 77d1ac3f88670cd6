"""Trials as one HTML page: a table to sort and to search, and drawings of what was set and what came of it.

Without its script the page still shows everything; the script is known to the browser by its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlgit.experiments import table_text
from mlgit.experiments.comparison import ComparedTrials, TrialRow
from mlgit.experiments.learning_curves import TrialCurve
from mlgit.experiments.trial_columns import TrialColumn
from mlgit.render.svg import safe
from mlgit.render.text import count, seconds
from mlgit.report import curve_figure, html_frame, parallel_figure, scatter_figure, trial_axes, trials_script

MADE = "mlgit exp show"
# A browser takes seconds for a table of more rows.
MOST_ROWS = 3_000


def page(found: ComparedTrials, *, curves: Sequence[TrialCurve] = (), told: Sequence[str] = ()) -> str:
    """The page of a table, with what is `told` of it; the same trials give the same bytes."""
    named = ", ".join(table_text.label(row) for row in found.rows if row.is_baseline)
    total = count(len(found.trials) + found.n_left_out, "trial")
    title = f"{total} of {named}" if named else total
    parts = [
        f"<h1>mlgit: {safe(title)}</h1>",
        *(f"<p>{safe(each)}</p>" for each in told),
        parallel_figure.figure(found),
        scatter_figure.figures(found),
        curve_figure.figures(curves, best=found.best.name if found.best else ""),
        "<h2>All trials</h2>" if len(found.trials) <= MOST_ROWS else f"<h2>The first {MOST_ROWS} trials</h2>",
        *(f"<p>{safe(each)}</p>" for each in table_text.notes(found)),
        _table(found),
    ]
    body = "\n".join(part for part in parts if part)
    return html_frame.document(f"mlgit: {title}", body, made=MADE, script=trials_script.SCRIPT, style=trials_script.STYLE)


def _table(found: ComparedTrials) -> str:
    has_status = any(row.trial.status != "finished" for row in found.rows)
    has_time = any(row.trial.facts.seconds is not None for row in found.rows)
    labels = ["trial"] + ["status"] * has_status + [each.label for each in found.columns] + ["took"] * has_time
    head = "".join(f'<th scope="col">{safe(each)}</th>' for each in labels)
    shown = [(at, row) for at, row in enumerate(found.rows) if at < MOST_ROWS or row.is_baseline]
    body = "\n".join(_row(row, at, found.columns, has_status=has_status, has_time=has_time) for at, row in shown)
    return (
        '<p hidden><label>Show only <input id="filter" type="search" placeholder="a word, or column &gt; value"></label> '
        '<span id="shown" role="status"></span></p>\n'
        '<div class="scroll" role="region" aria-label="Trials" tabindex="0">\n<table id="trials">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _row(row: TrialRow, number: int, columns: Sequence[TrialColumn], *, has_status: bool, has_time: bool) -> str:
    kind = ' class="best"' if row.is_best else ' class="baseline"' if row.is_baseline else ""
    cells = [_status(row)] if has_status else []
    cells += [_cell(each.value(row.trial)) for each in columns]
    if has_time:
        took = row.trial.facts.seconds
        cells.append("<td>-</td>" if took is None else f'<td class="number" data-v="{took!r}">{seconds(took)}</td>')
    sign = " *" if row.is_best else " +" if row.is_on_front else ""
    return f'<tr{kind} data-trial="{number}"><th scope="row">{safe(table_text.label(row))}{sign}</th>{"".join(cells)}</tr>'


def _status(row: TrialRow) -> str:
    word = "baseline" if row.is_baseline else row.trial.status
    tone = {"failed": "bad", "killed": "bad", "running": "warn"}.get(word)
    return f'<td><span class="{tone}">{word}</span></td>' if tone else f"<td>{word}</td>"


def _cell(found: tuple[bool, Any]) -> str:
    number = trial_axes.as_number(found[1])
    shown = safe(table_text.cell(found)[:200])
    return f"<td>{shown}</td>" if number is None else f'<td class="number" data-v="{number!r}">{shown}</td>'
