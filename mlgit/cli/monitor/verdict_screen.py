"""Verdicts on a terminal: a line each, or one whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlgit.monitoring import verdict_words
from mlgit.monitoring.chain import Acceptance, JudgedWindow
from mlgit.monitoring.verdict import MonitoredMetric, MonitorVerdict
from mlgit.monitoring.verdict_words import NONE
from mlgit.render.terminal import cut, paint, table
from mlgit.render.text import moment, number, plain

_COLORS = {"quiet": "green", "watch": "yellow", "page": "red", "cannot_tell": "yellow"}
_WIDEST = 60
_MOST_COLUMNS = 20


def rows(windows: Sequence[JudgedWindow], *, color: bool) -> Iterator[str]:
    """A line a window: its rows, the verdict, p, martingale, and what moved most; below it who accepted it, and why."""
    versions = {each.verdict.version for each in windows}
    several = len(versions) > 1
    header = ["window", *(["version"] if several else []), "rows", "verdict", "p", "martingale", "what moved most"]
    lines = table(header, [_cells(each.verdict, several=several) for each in windows], right=_right(several=several)).split(
        "\n"
    )
    yield lines[0]
    for judged, line in zip(windows, lines[1:], strict=True):
        word = verdict_words.word(judged.verdict)
        # The first column is the name of the window, and a value of data: it may hold the word as well.
        before, found, behind = line.rpartition(f" {word} ")
        style = "dim" if judged.acceptance else _COLORS[judged.verdict.verdict]
        yield f"{before} {paint(word, style, color=color)} {behind}" if found else line
        if judged.acceptance:
            yield f"  {accepted(judged.acceptance)}"
    if any(verdict_words.is_extrapolated(each.verdict) for each in windows):
        yield ""
        yield "~ extrapolated: smaller than the reference batches alone can show"


def _right(*, several: bool) -> tuple[int, ...]:
    return (2, 4, 5) if several else (1, 3, 4)


def _cells(verdict: MonitorVerdict, *, several: bool) -> list[str]:
    return [
        cut(plain(verdict.window.name), 40),
        *([verdict.version] if several else []),
        str(verdict.window.rows),
        verdict_words.word(verdict),
        verdict_words.pvalue(verdict),
        verdict_words.evidence(verdict),
        cut(plain(verdict_words.headline(verdict)), _WIDEST),
    ]


def accepted(acceptance: Acceptance) -> str:
    """Who accepted a window, when and why."""
    return plain(f"accepted by {acceptance.author}, {moment(acceptance.when)}: {acceptance.reason}")


def whole(judged: JudgedWindow, *, color: bool) -> Iterator[str]:
    """Everything that is known about one window."""
    verdict = judged.verdict
    place = f" in {verdict.environment}" if verdict.environment else ""
    yield plain(f"{verdict.model} {verdict.version}{place}: {verdict.window.name}")
    word = paint(verdict_words.word(verdict), _COLORS[verdict.verdict], color=color)
    yield f"{'verdict':<14}{word}" + (f" ({verdict.severity})" if verdict.severity else "")
    for name, said in _facts(judged):
        yield plain(f"{name:<14}{said}")
    yield from _columns(verdict)
    yield from _metrics(verdict)
    for note in verdict.notes:
        yield f"{paint('note:', 'yellow', color=color)} {plain(note)}"


def _facts(judged: JudgedWindow) -> Iterator[tuple[str, str]]:
    verdict = judged.verdict
    if verdict.reason:
        yield "reason", verdict.reason
    if judged.acceptance:
        yield "accepted", accepted(judged.acceptance).removeprefix("accepted ")
    period = verdict_words.period(verdict)
    yield "rows", f"{verdict.window.rows}" + (f", {period}" if period else "")
    method = verdict_words.method(verdict)
    yield "p", verdict_words.pvalue(verdict).removeprefix("~") + (f" ({method})" if method else "")
    yield "martingale", f"{verdict_words.evidence(verdict)}, pages at 100"
    yield "contract", verdict.contract
    if verdict.smallest_shift and (shift := verdict_words.shift(verdict.smallest_shift)):
        yield "would show", shift
    if verdict.blind_to:
        yield "blind to", "; ".join(verdict.blind_to)
    yield "digest", verdict.window.digest
    yield "commit", judged.commit


def _columns(verdict: MonitorVerdict) -> Iterator[str]:
    if not verdict.columns:
        return
    shown = verdict.columns[:_MOST_COLUMNS]
    cells = [
        (each.name, f"{each.score:.3g}", NONE if each.pvalue is None else f"{each.pvalue:.2g}", _moved(each.effect, each.note))
        for each in shown
    ]
    yield ""
    yield table(("column", "score", "p", "what moved"), cells, right=(1, 2))
    if left := len(verdict.columns) - len(shown):
        yield f"and {left} more, which moved less; --json has all"


def _moved(effect: str, note: str) -> str:
    return "; ".join(part for part in (effect, note) if part)


def _metrics(verdict: MonitorVerdict) -> Iterator[str]:
    if not verdict.metrics:
        return
    cells = [
        (each.name, verdict_words.metric_value(each), "" if each.baseline is None else number(each.baseline), _state(each))
        for each in verdict.metrics
    ]
    yield ""
    yield table(("metric", "value", "at release", ""), cells)


def _state(metric: MonitoredMetric) -> str:
    return "; ".join(part for part in ("beyond its limit" if metric.is_broken else "", metric.note) if part)
