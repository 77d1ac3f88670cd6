"""Trials as one HTML page: a table to sort and to search, and drawings of what they have in common."""

from __future__ import annotations

from mlgit.experiments import table_text
from mlgit.experiments.comparison import ComparedTrials, TrialRow
from mlgit.experiments.trial_columns import TrialColumn
from mlgit.render.svg import safe
from mlgit.render.text import count
from mlgit.report import html_frame

MADE = "mlgit exp show"


def page(found: ComparedTrials) -> str:
    """The page of a table; the same trials give the same bytes."""
    named = ", ".join(table_text.label(row) for row in found.rows if row.is_baseline)
    title = f"{count(len(found.trials), 'trial')} of {named}" if named else count(len(found.trials), "trial")
    parts = [f"<h1>mlgit: {safe(title)}</h1>", *(f"<p>{safe(each)}</p>" for each in table_text.notes(found)), _table(found)]
    return html_frame.document(f"mlgit: {title}", "\n".join(parts), made=MADE)


def _table(found: ComparedTrials) -> str:
    head = "".join(
        f'<th scope="col">{safe(each)}</th>' for each in ("trial", "status", *(each.label for each in found.columns))
    )
    body = "\n".join(_row(row, found.columns) for row in found.rows)
    return (
        '<div class="scroll" role="region" aria-label="Trials" tabindex="0">\n<table>\n<caption>Trials</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _row(row: TrialRow, columns: tuple[TrialColumn, ...]) -> str:
    status = "baseline" if row.is_baseline else row.trial.status
    cells = "".join(f'<td class="number">{safe(table_text.cell(each.value(row.trial)))}</td>' for each in columns)
    return f'<tr><th scope="row">{safe(table_text.label(row))}</th><td>{status}</td>{cells}</tr>'
