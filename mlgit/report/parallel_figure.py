"""Parallel coordinates: a line for each trial through what was set, to what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlgit.experiments import table_text
from mlgit.experiments.comparison import ComparedTrials, TrialRow
from mlgit.render import svg
from mlgit.render.svg import element, safe
from mlgit.render.text import count
from mlgit.report import trial_axes
from mlgit.report.trial_axes import TrialAxis

MOST_LINES = 400
_MOST_AXES = 10
_TOP, _HEIGHT, _BOTTOM = 46, 300, 26
_LEFT, _RIGHT = 84, 96
_WIDEST, _NARROWEST, _WHOLE = 250, 110, 1_000


def figure(found: ComparedTrials) -> str:
    """The figure; '' where fewer than two axes or two trials are there to draw."""
    trials = found.trials
    drawn = {id(each) for each in trial_axes.spread(trials, MOST_LINES)}
    axes = trial_axes.axes(found, most=_MOST_AXES)
    if len(axes) < 2 or len(drawn) < 2:
        return ""
    rows = [(number, row) for number, row in enumerate(found.rows) if row.is_baseline or id(row.trial) in drawn]
    ranks = {id(each): rank / max(1, len(trials) - 1) for rank, each in enumerate(trials)}
    # what matters most comes last, on top of the others
    ordered = sorted(rows, key=lambda each: (each[1].is_best, each[1].is_baseline, -ranks.get(id(each[1].trial), 0.0)))
    gap = max(_NARROWEST, min(_WIDEST, _WHOLE // (len(axes) - 1)))
    body = [_line(row, number, axes, ranks, gap=gap) for number, row in ordered]
    body += [part for at, each in enumerate(axes) for part in _axis(each, _LEFT + gap * at)]
    said = f"{count(len(drawn), 'trial')} as lines through {', '.join(each.column.label for each in axes)}"
    if len(drawn) < len(trials):
        said += f": the first {MOST_LINES // 2} in order, and {MOST_LINES - MOST_LINES // 2} spread over the other "
        said += f"{len(trials) - MOST_LINES // 2}"
    if found.best:
        said += f". The thick line is the best by {found.objective}, {found.best.name}"
    said += ". Dashed is the baseline." if found.baselines else "."
    width = _LEFT + gap * (len(axes) - 1) + _RIGHT
    drawing = svg.inside_page(
        body, width=width, height=_TOP + _HEIGHT + _BOTTOM, title="Parallel coordinates", description=said
    )
    region = '<div class="scroll" role="region" aria-label="Parallel coordinates" tabindex="0">'
    return f'<figure class="lines">\n{region}{drawing}</div>\n<figcaption>{safe(said)}</figcaption>\n</figure>'


def _line(row: TrialRow, number: int, axes: Sequence[TrialAxis], ranks: dict[int, float], *, gap: int) -> str:
    """A trial's line, broken where it has no value."""
    path = " ".join(_steps(row, axes, gap))
    look: dict[str, str | float] = {"fill": "none", "stroke": "var(--a)", "stroke-width": "1.3"}
    look["stroke-opacity"] = f"{0.75 - 0.6 * ranks.get(id(row.trial), 0.0):.2f}"
    if row.is_best:
        look |= {"stroke": "var(--good)", "stroke-width": "3.5", "stroke-opacity": "1"}
    elif row.is_baseline:
        look |= {"stroke": "var(--ink)", "stroke-width": "2.5", "stroke-opacity": "1", "stroke-dasharray": "7 4"}
    title = element("title", {}, table_text.label(row))
    return f'<g class="trial" data-trial="{number}">{title}{element("path", {"d": path, **look})}</g>' if path else ""


def _steps(row: TrialRow, axes: Sequence[TrialAxis], gap: int) -> Iterator[str]:
    is_begun = False
    for at, each in enumerate(axes):
        place = each.place(row.trial)
        if place is not None:
            yield f"{'L' if is_begun else 'M'}{_LEFT + gap * at} {_TOP + _HEIGHT * (1 - place):.1f}"
        is_begun = place is not None


def _axis(axis: TrialAxis, x: int) -> Iterator[str]:
    yield element("path", {"d": f"M{x} {_TOP}V{_TOP + _HEIGHT}", "stroke": "var(--soft)", "stroke-width": "1.5"})
    for place, words in axis.marks():
        y = _TOP + _HEIGHT * (1 - place)
        yield element("path", {"d": f"M{x - 4} {y:.1f}H{x}", "stroke": "var(--soft)"})
        yield svg.text(svg.clipped(words, 11), {"x": x - 7, "y": y + 4, "font-size": 12, "class": "halo"}, anchor="end")
    yield svg.text(
        svg.clipped(axis.column.label, 20),
        {"x": x, "y": 20, "font-size": 13, "class": "halo", "font-weight": "600"},
        anchor="middle",
    )
