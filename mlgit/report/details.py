"""The folded parts of a report: parameters, data, stages, card, plots, and how it was computed."""

from __future__ import annotations

from collections.abc import Iterator

from mlgit.diff.wording import KEPT
from mlgit.evaluation.results import Flips
from mlgit.render.text import count, seconds
from mlgit.report.document import Report, StageRun
from mlgit.report.figures import share
from mlgit.report.numbers import value
from mlgit.report.page import Block, Chart, Log, PageSection, PageTable, Paragraph, Tone, Words, code, text
from mlgit.tables.drift import TableDrift
from mlgit.validation.evolution import Evolution

_SHOWN_KEYS = 20
_TONES: dict[str, Tone] = {"pass": "good", "warn": "warn", "fail": "bad", "invalid": "bad"}


def sections(report: Report) -> list[PageSection]:
    """Those that have something to say."""
    data = f"Data: {len(report.data)} changed" + (f" of {report.n_data}" if report.n_data else "")
    ran = sum(stage.state == "ran" for stage in report.stages)
    took = sum(stage.seconds or 0 for stage in report.stages)
    stages = f"Stages: {ran} ran, {len(report.stages) - ran} not" + (f" ({seconds(took)})" if took else "")
    found = [
        PageSection("parameters", tuple(_parameters(report)), f"Parameters: {len(report.parameters)} changed"),
        PageSection("data", tuple(_data(report)), data),
        PageSection("contracts", tuple(_contracts(report)), f"Contracts: {len(report.contracts)} changed"),
        PageSection("stages", tuple(_stages(report)), stages),
        PageSection("card", (Log(report.card, is_diff=True),) if report.card else (), f"Model card: {len(report.card)} lines"),
        PageSection("plots", tuple(Chart(plot) for plot in report.plots), f"Plots: {len(report.plots)}"),
        PageSection("statistics", tuple(_statistics(report)), "Statistics and provenance"),
    ]
    return [each for each in found if each.blocks]


def _parameters(report: Report) -> Iterator[Block]:
    if report.parameters:
        rows = tuple(((code(each.name),), (text(each.old or "–"),), (text(each.new or "–"),)) for each in report.parameters)
        yield PageTable("Parameters", ("Parameter", "Baseline", "Now"), rows, frozenset({1, 2}))


def _data(report: Report) -> Iterator[Block]:
    if report.data:
        rows = tuple(((code(each.path),), (text(_rows(each)),), (text(_columns(each)),), _drift(each)) for each in report.data)
        yield PageTable("Data", ("Data", "Rows", "Columns", "Drift"), rows)


def _rows(row: TableDrift) -> str:
    if row.rows_before is None or row.rows_now is None:
        return "–" if row.rows_now is None else f"{row.rows_now:,}"
    changed = f" ({share(row.rows_now / row.rows_before - 1)})" if row.rows_before and row.rows_now != row.rows_before else ""
    return f"{row.rows_before:,} → {row.rows_now:,}{changed}"


def _columns(row: TableDrift) -> str:
    changes = (("added", row.added), ("removed", row.removed), ("another type", row.retyped))
    told = [f"{word}: {', '.join(names)}" for word, names in changes if names]
    return "; ".join(told) or ("the same" if row.rows_now is not None and row.rows_before is not None else "–")


def _drift(row: TableDrift) -> Words:
    if row.moved:
        name, index = row.moved[0]
        return (text(f"largest PSI {value(index, 2)} ("), code(name), text(")"))
    return (text(row.reason or "–"),)


def _contracts(report: Report) -> Iterator[Block]:
    rows = tuple(row for each in report.contracts for row in _contract(each))
    if rows:
        yield PageTable("Contracts", ("Data", "What", "Moves", "Breaks", "How"), rows)


def _contract(found: Evolution) -> Iterator[tuple[Words, ...]]:
    path = (code(found.path),)
    if found.trouble:
        yield (path, (text("–"),), (text("unknown"),), (text("–"),), (text(found.trouble),))
    for each in found.changes:
        breaks = (text(each.breaks_whom or "–"),)
        yield (path, (code(each.path),), (text(each.direction),), breaks, (text(each.sentence),))
    if wrong := found.version_told("consumer"):
        yield (path, (text("version"),), (text("–"),), (text("–"),), (text(wrong),))
    if found.kept:
        told = KEPT[found.kept] + (f": {found.because}" if found.because else "")
        yield (path, (text("the data"),), (text("–"),), (text("–"),), (text(told, tone=_TONES[found.kept]),))


def _stages(report: Report) -> Iterator[Block]:
    if report.stages:
        rows = tuple(
            ((code(each.name),), (text(each.state),), (text("; ".join(each.why) or "–"),), (text(_times(each)),))
            for each in report.stages
        )
        yield PageTable("Stages", ("Stage", "State", "Why", "Time (baseline)"), rows, frozenset({3}))


def _times(stage: StageRun) -> str:
    before = "" if stage.seconds_before is None else f" ({seconds(stage.seconds_before)})"
    return ("–" if stage.seconds is None else seconds(stage.seconds)) + before


def _statistics(report: Report) -> Iterator[Block]:
    methods: dict[str, list[str]] = {}
    for row in report.metrics:
        if row.method:
            methods.setdefault(row.method, []).append(row.metric)
    if methods:
        told = "; ".join(f"{', '.join(dict.fromkeys(names))}: {method}" for method, names in methods.items())
        drawn = f" {report.resamples:,} resamples, seed {report.seed}."
        says = " It speaks of these two files of predictions, not of what another training run would give."
        if any(row.about for row in report.metrics):
            says = ""  # what it speaks of stands beside the metrics
        yield Paragraph((text(f"{told}.{drawn}{says}"),))
    smallest = [row for row in report.metrics if row.smallest is not None]
    if smallest:
        told = ", ".join(f"{row.metric} {value(row.smallest)}" for row in smallest)
        yield Paragraph((text(f"Smallest difference these rows can show (4 times in 5): {told}."),))
    for tested in report.tested:
        if tested.judged:
            models = f"{'At least ' if tested.is_at_least else ''}{count(tested.judged, 'other model')}"
            were = "was" if tested.judged == 1 else "were"
            yield Paragraph((text(f"{models} {were} already judged on the test set of "), code(tested.model), text(".")))
        elif tested.uncounted:
            told = " cannot be counted: "
            model = code(tested.model)
            yield Paragraph(
                (
                    text("How many other models the test set of "),
                    model,
                    text(f" has judged{told}"),
                    text(f"{tested.uncounted}."),
                )
            )
    for turned in report.turned:
        yield from _turned(turned)
    if report.provenance:
        rows = tuple(((text(each.name),), (code(each.value),)) for each in report.provenance)
        yield PageTable("Provenance", ("What", "Value"), rows)


def _turned(row: Flips) -> Iterator[Block]:
    for word, keys, number in (("broken", row.broken_keys, row.broken), ("fixed", row.fixed_keys, row.fixed)):
        if keys:
            more = f" and {number - len(keys[:_SHOWN_KEYS])} more" if number > len(keys[:_SHOWN_KEYS]) else ""
            names = [each for key in keys[:_SHOWN_KEYS] for each in (text(" "), code(key))]
            yield Paragraph((text(f"Rows {word} ({row.model}):"), *names, text(more)))
