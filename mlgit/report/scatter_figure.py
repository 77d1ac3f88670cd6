"""What came of trials over what was set: one drawing for each parameter that differs."""

from __future__ import annotations

from collections.abc import Iterator

from mlgit.experiments import table_text
from mlgit.experiments.comparison import ComparedTrials, TrialRow
from mlgit.render import svg
from mlgit.render.svg import element, safe
from mlgit.render.text import count
from mlgit.report import trial_axes
from mlgit.report.trial_axes import TrialAxis

MOST_POINTS = 1_000
_MOST_FIGURES = 8
_WIDTH, _HEIGHT = 340, 220
_LEFT, _TOP, _RIGHT, _BOTTOM = 62, 30, 16, 44


def figures(found: ComparedTrials) -> str:
    """The drawings; '' where there is nothing to see."""
    drawn = {id(each) for each in trial_axes.spread(found.trials, MOST_POINTS)}
    axes = trial_axes.axes(found, most=_MOST_FIGURES + 1)
    up = axes[-1] if axes else None
    across = [each for each in axes if each.column.kind == "param"]
    if up is None or up.column.kind != "metric" or len(drawn) < 2 or not across:
        return ""
    rows = [(number, row) for number, row in enumerate(found.rows) if row.is_baseline or id(row.trial) in drawn]
    drawings = "\n".join(_figure(rows, each, up) for each in across)
    told = f"<p>{count(len(drawn), 'trial')} of {len(found.trials)} are drawn.</p>\n" if len(drawn) < len(found.trials) else ""
    return f'<h2>{safe(up.column.label)} by parameter</h2>\n{told}<div class="figures">\n{drawings}\n</div>'


def _figure(rows: list[tuple[int, TrialRow]], across: TrialAxis, up: TrialAxis) -> str:
    points = [
        point
        for number, row in sorted(rows, key=lambda each: (each[1].is_best, each[1].is_baseline))
        for point in _point(row, number, across, up)
    ]
    title = f"{up.column.label} over {across.column.label}"
    said = f"{title}: {count(len(points), 'point')}"
    drawing = svg.inside_page(
        [*_frame(across, up), *points],
        width=_LEFT + _WIDTH + _RIGHT,
        height=_TOP + _HEIGHT + _BOTTOM,
        title=title,
        description=said,
    )
    return f'<figure class="lines">\n{drawing}\n</figure>'


def _frame(across: TrialAxis, up: TrialAxis) -> Iterator[str]:
    for place, words in up.marks():
        y = _TOP + _HEIGHT * (1 - place)
        yield element("path", {"d": f"M{_LEFT} {y:.1f}h{_WIDTH}", "stroke": "var(--line)"})
        yield _words(words, _LEFT - 7, y + 4, "end")
    for place, words in across.marks():
        x = _LEFT + _WIDTH * place
        yield element("path", {"d": f"M{x:.1f} {_TOP}v{_HEIGHT}", "stroke": "var(--line)"})
        yield _words(svg.clipped(words, 10), x, _TOP + _HEIGHT + 16, "middle")
    yield element("path", {"d": f"M{_LEFT} {_TOP}v{_HEIGHT}h{_WIDTH}", "fill": "none", "stroke": "var(--soft)"})
    yield _words(svg.clipped(up.column.label, 40), _LEFT, _TOP - 12, "start")
    yield _words(svg.clipped(across.column.label, 40), _LEFT + _WIDTH / 2, _TOP + _HEIGHT + 36, "middle")


def _words(words: str, x: float, y: float, anchor: str) -> str:
    return svg.text(words, {"x": float(x), "y": float(y), "font-size": 12, "fill": "var(--ink)"}, anchor=anchor)


def _point(row: TrialRow, number: int, across: TrialAxis, up: TrialAxis) -> Iterator[str]:
    places = across.place(row.trial), up.place(row.trial)
    if places[0] is None or places[1] is None:
        return
    x, y = _LEFT + _WIDTH * places[0], _TOP + _HEIGHT * (1 - places[1])
    title = element("title", {}, table_text.label(row))
    if row.is_baseline:
        shape = element("path", {"d": f"M{x - 6:.1f} {y:.1f}h12m-6 -6v12", "stroke": "var(--ink)", "stroke-width": "2.5"})
    else:
        look = {"fill": "var(--good)", "r": "6"} if row.is_best else {"fill": "var(--a)", "r": "3.5", "fill-opacity": "0.55"}
        shape = element("circle", {"cx": x, "cy": y, **look})
    yield f'<g class="trial" data-trial="{number}">{title}{shape}</g>'
