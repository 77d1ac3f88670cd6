"""What a retrain pull request says before the report: what asked for it, what moved, and beside which version it was judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlgit.monitoring.retrain_marker import RetrainMarker
from mlgit.monitoring.triggers import FiredTrigger
from mlgit.monitoring.verdict import MonitorVerdict
from mlgit.render.markdown import code_span, comment_text, markdown_table
from mlgit.render.text import count, number, plain

_KINDS = {
    "metric": "a metric is broken",
    "kpi": "a KPI is beyond its limit",
    "drift": "the data have drifted",
    "new_rows": "there are new rows",
    "age": "the version is old",
    "manual": "a person asked for it",
}
_MOST_COLUMNS, _MOST_WINDOWS, _LONGEST = 12, 8, 300


def heading(
    marker: RetrainMarker, fired: Sequence[FiredTrigger], windows: Sequence[MonitorVerdict], *, environment: str
) -> str:
    """The text above the report; `windows` are the verdicts that stand, the oldest first. Every text in it is escaped."""
    label = code_span(f"{marker.model}@{marker.version}")
    lines = [
        str(marker),
        "Made by `mlgit ci propose --retrain`, which writes this text and its branch anew: commits of people belong elsewhere. "
        f"The challenger is judged beside {label}, which is in {comment_text(environment)}, on the same rows.",
        "",
        "#### Why",
        *(f"- {_KINDS[each.kind]}: {_cut(each.reason)}" for each in fired),
        *_drift(windows),
    ]
    return "\n".join(lines) + "\n\n"


def not_better(reason: str, *, version: str) -> str:
    """The comment with which mlgit closes a pull request."""
    return (
        f"Closed by mlgit: trained with the data of today, the challenger is not shown to be better than "
        f"{code_span(version)} ({_cut(reason)}). Another one is opened when one is.\n"
    )


def _cut(text: str) -> str:
    line = plain(text)
    return comment_text(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")


def _drift(windows: Sequence[MonitorVerdict]) -> Iterator[str]:
    """The last windows, and of the last one that alarmed the columns that moved most."""
    if not windows:
        return
    rows = [
        (each.window.name[:60], str(each.window.rows), each.verdict.replace("_", " "), _p(each), each.severity)
        for each in windows[-_MOST_WINDOWS:]
    ]
    yield ""
    yield markdown_table(("window", "rows", "verdict", "p", "by"), rows, right=(1, 3), escape=comment_text)
    alarmed = next((each for each in reversed(windows) if each.verdict in ("watch", "page") and each.columns), None)
    if alarmed is None:
        return
    shown = alarmed.columns[:_MOST_COLUMNS]
    cells = [(each.name[:60], number(each.score), each.effect[:80], each.note[:120]) for each in shown]
    left = len(alarmed.columns) - len(shown)
    yield ""
    yield f"What moved in {comment_text(alarmed.window.name[:60])}" + (f", without {count(left, 'column')}:" if left else ":")
    yield ""
    yield markdown_table(("column", "score", "effect", "what"), cells, right=(1,), escape=comment_text)


def _p(verdict: MonitorVerdict) -> str:
    return "" if verdict.pvalue is None else number(verdict.pvalue)
