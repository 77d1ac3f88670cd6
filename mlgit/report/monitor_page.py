"""The timeline of a released model as one HTML page: verdicts, evidence, columns, metrics, and what people accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from mlgit.monitoring import verdict_words
from mlgit.monitoring.chain import JudgedWindow
from mlgit.render.svg import safe
from mlgit.render.text import count, moment
from mlgit.report import html_frame, monitor_columns, monitor_figures, monitor_metrics
from mlgit.report.window_axis import TONES, WindowAxis

MADE = "mlgit monitor show"
# A page with more figures than this is slow to open; the table has them all.
MOST_DRAWN = 800


def page(model: str, environment: str, windows: Sequence[JudgedWindow], *, n_left_out: int = 0) -> str:
    """The page of windows in their order, at least one; the same windows give the same bytes."""
    title = f"{model} in {environment}" if environment else model
    last = windows[-1]
    word = verdict_words.word(last.verdict) + (", accepted" if last.acceptance else "")
    tone = "good" if last.acceptance else TONES[last.verdict.verdict]
    axis = WindowAxis(tuple(windows[-MOST_DRAWN:]))
    parts = [
        f'<h1 class="{tone}">mlgit: {safe(title)}: {safe(word)}</h1>',
        *_summary(windows, n_left_out),
        monitor_figures.verdicts(axis),
        monitor_figures.pvalues(axis),
        monitor_figures.martingale(axis),
        monitor_columns.heat_map(axis),
        *monitor_metrics.figures(axis),
        _acceptances(windows),
        _all(windows),
    ]
    return html_frame.document(f"mlgit: {title}: {word}", "\n".join(part for part in parts if part), made=MADE)


def _summary(windows: Sequence[JudgedWindow], n_left_out: int) -> list[str]:
    last = windows[-1].verdict
    kinds = Counter(verdict_words.word(each.verdict) for each in windows)
    told = ", ".join(f"{number} {word}" for word, number in kinds.most_common())
    accepted = sum(each.acceptance is not None for each in windows)
    told += f"; {accepted} accepted" if accepted else ""
    before = f", and {n_left_out} before them" if n_left_out else ""
    said = last.reason or verdict_words.headline(last)
    found = [
        f"<p>{count(len(windows), 'window')}{before}: {safe(told)}.</p>",
        f"<p>The last is <code>{safe(last.window.name)}</code> with {count(last.window.rows, 'row')}, judged for "
        f"<code>{safe(last.version)}</code>{f': {safe(said)}' if said else ''}.</p>",
    ]
    if len(windows) > MOST_DRAWN:
        found.append(f'<p class="notice" role="note">Drawn are the last {MOST_DRAWN}; the table has all.</p>')
    if last.blind_to:
        found.append(f'<p class="notice" role="note">What it cannot see: {safe("; ".join(last.blind_to))}.</p>')
    found += [f'<p class="notice" role="note">{safe(each)}</p>' for each in last.notes]
    return found


def _acceptances(windows: Sequence[JudgedWindow]) -> str:
    rows = [
        (
            safe(each.acceptance.name),
            _toned(each),
            safe(each.acceptance.author),
            moment(each.acceptance.when),
            safe(each.acceptance.reason),
        )
        for each in reversed(windows)
        if each.acceptance
    ]
    return _table("Accepted windows", ("window", "verdict", "by", "at", "reason"), rows) if rows else ""


def _all(windows: Sequence[JudgedWindow]) -> str:
    header = ("window", "version", "rows", "verdict", "p", "martingale", "what moved most")
    rows = [
        (
            safe(each.verdict.window.name),
            safe(each.verdict.version),
            str(each.verdict.window.rows),
            _toned(each),
            safe(verdict_words.pvalue(each.verdict)),
            safe(verdict_words.evidence(each.verdict)),
            safe(verdict_words.headline(each.verdict)),
        )
        for each in reversed(windows)
    ]
    return _table("All windows, the latest first", header, rows, right={2, 4, 5})


def _toned(judged: JudgedWindow) -> str:
    word = f'<span class="{TONES[judged.verdict.verdict]}">{safe(verdict_words.word(judged.verdict))}</span>'
    return f"{word}, accepted" if judged.acceptance else word


def _table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[int] | set[int] = frozenset()
) -> str:
    """Rows whose cells are escaped."""
    kinds = [' class="number"' if place in right else "" for place in range(len(header))]
    head = "".join(f'<th scope="col"{kind}>{safe(each)}</th>' for each, kind in zip(header, kinds, strict=True))
    body = "\n".join(
        "<tr>"
        + f'<th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    label = f'role="region" aria-label="{safe(caption)}" tabindex="0"'
    return (
        f'<div class="scroll" {label}>\n<table>\n<caption>{safe(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )
