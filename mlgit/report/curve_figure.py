"""Learning curves of trials: one drawing for each metric, a line for each trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlgit.experiments.learning_curves import TrialCurve
from mlgit.render import svg
from mlgit.render.svg import Frame, element, safe
from mlgit.render.text import count
from mlgit.report import trial_axes
from mlgit.report.numbers import value

MOST_FIGURES = 12
_WIDTH, _HEIGHT = 420, 240
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 30, 16, 44
_COLOURS = ("a", "b", "c", "d", "e", "f")
_DASHES = ("", "7 4", "2 3", "12 4 2 4")


def figures(curves: Sequence[TrialCurve], *, best: str = "") -> str:
    """The drawings with their legend; '' where there are no curves. The line of the `best` is thick."""
    metrics = list(dict.fromkeys(each.metric for each in curves))
    if not metrics:
        return ""
    names = list(dict.fromkeys(each.trial for each in curves))
    drawn = [_figure([each for each in curves if each.metric == metric], names, best) for metric in metrics[:MOST_FIGURES]]
    told = f"Curves of {count(len(names), 'row')} of the table, the first that have some."
    if len(metrics) > MOST_FIGURES:
        told += f" Of {len(metrics)} metrics {MOST_FIGURES} are drawn."
    body = "\n".join(drawn)
    return f'<h2>Learning curves</h2>\n<p>{told}</p>\n<div class="figures">\n{body}\n</div>\n{_legend(names, curves, best)}'


def _look(name: str, names: Sequence[str], best: str) -> dict[str, str | float]:
    at = names.index(name)
    colour, dash = _COLOURS[at % len(_COLOURS)], _DASHES[at // len(_COLOURS) % len(_DASHES)]
    return {"stroke": f"var(--{colour})", "stroke-dasharray": dash, "stroke-width": "3.5" if name == best else "1.6"}


def _figure(curves: Sequence[TrialCurve], names: Sequence[str], best: str) -> str:
    steps, values = zip(*(point for each in curves for point in each.points), strict=True)
    frame = Frame(_LEFT, _TOP, _WIDTH, _HEIGHT, _ends(min(steps), max(steps)), _ends(min(values), max(values)))
    metric = curves[0].metric
    said = f"{metric} over steps of {count(len(curves), 'trial')}, {value(min(values))} to {value(max(values))}"
    ordered = sorted(curves, key=lambda each: each.trial == best)
    drawing = svg.inside_page(
        [*_axes(frame, metric), *(_line(each, frame, names, best) for each in ordered)],
        width=_LEFT + _WIDTH + _RIGHT,
        height=_TOP + _HEIGHT + _BOTTOM,
        title=metric,
        description=said,
    )
    return f'<figure class="lines">\n{drawing}\n<figcaption>{safe(said)}</figcaption>\n</figure>'


def _ends(low: float, high: float) -> tuple[float, float]:
    if high / 2 > low / 2:
        return low, high
    margin = abs(low) / 2 if abs(low) > 1e-300 else 0.5
    return low - margin, high + margin


def _axes(frame: Frame, metric: str) -> Iterator[str]:
    for up in trial_axes.steps(*frame.up):
        y = frame.spot(frame.across[0], up)[1]
        yield element("path", {"d": f"M{frame.left} {y:.1f}H{frame.right}", "stroke": "var(--line)"})
        yield _words(trial_axes.shown(up), frame.left - 7, y + 4, "end")
    for across in trial_axes.steps(*frame.across):
        yield _words(trial_axes.shown(across), frame.spot(across, frame.up[0])[0], frame.bottom + 16, "middle")
    yield element(
        "path", {"d": f"M{frame.left} {frame.top}V{frame.bottom}H{frame.right}", "fill": "none", "stroke": "var(--soft)"}
    )
    yield _words(svg.clipped(metric, 50), frame.left, frame.top - 12, "start")
    yield _words("step", (frame.left + frame.right) / 2, frame.bottom + 36, "middle")


def _words(words: str, x: float, y: float, anchor: str) -> str:
    return svg.text(words, {"x": float(x), "y": float(y), "font-size": 12, "fill": "var(--ink)"}, anchor=anchor)


def _line(curve: TrialCurve, frame: Frame, names: Sequence[str], best: str) -> str:
    look = {"d": frame.path(curve.points), "fill": "none", **_look(curve.trial, names, best)}
    return f'<g class="trial" data-trial="{curve.number}">{element("title", {}, curve.trial)}{element("path", look)}</g>'


def _legend(names: Sequence[str], curves: Sequence[TrialCurve], best: str) -> str:
    numbers = {each.trial: each.number for each in curves}
    entries = []
    for name in names:
        mark = element("path", {"d": "M0 6H34", **_look(name, names, best)})
        drawn = f'<svg width="34" height="12" viewBox="0 0 34 12" aria-hidden="true">{mark}</svg>'
        entries.append(f'<li data-trial="{numbers[name]}">{drawn} <code>{safe(name)}</code></li>')
    return '<ul class="legend">\n' + "\n".join(entries) + "\n</ul>"
