"""Who is hurt: slices in a table of their own, the hurt ones open, the others folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlgit.gate.rule_result import RuleResult, SliceResult
from mlgit.render.text import count, decimals
from mlgit.report.document import Report
from mlgit.report.figures import level_head
from mlgit.report.numbers import signed, value
from mlgit.report.page import Block, PageSection, PageTable, Tone, Words, code, text

_MOST = 20
_HURT = ("harmed", "apart", "gone")
_WORDS = {
    "harmed": "▼ harmed",
    "apart": "▼ apart",
    "gone": "▼ gone",
    "waived": "waived",
    "no harm shown": "≈ no harm shown",
    "not apart": "≈ not shown to be apart",
    "no value": "? no value",
    "too few rows": "? too few rows",
}

Row = tuple[RuleResult, SliceResult]


def hurt(report: Report) -> Iterator[Block]:
    """The slices that a rule finds hurt, where it counts."""
    rows = [row for row in _rows(report) if row[1].standing in _HURT and row[0].effect != "pass"]
    if rows:
        yield _table(
            "Slices that are hurt",
            rows[:_MOST],
            several=_are_several(report),
            level=level_head(report.metrics),
            left_out=len(rows) - _MOST,
        )


def folded(report: Report) -> list[PageSection]:
    """Every slice that was looked at."""
    rows = list(_rows(report))
    if not rows:
        return []
    bad = sum(each.standing in _HURT for _, each in rows)
    title = (
        f"Slices: {count(len(rows), 'slice')}, {bad} hurt"
        if bad
        else f"Slices: {count(len(rows), 'slice')}, none shown to be hurt"
    )
    return [
        PageSection("slices", (_table("Slices", rows, several=_are_several(report), level=level_head(report.metrics)),), title)
    ]


def _rows(report: Report) -> Iterator[Row]:
    for rule in report.rules:
        yield from ((rule, each) for each in rule.slices)


def _are_several(report: Report) -> bool:
    return sum(bool(rule.slices) for rule in report.rules) > 1


def _table(caption: str, rows: Sequence[Row], *, several: bool, level: str, left_out: int = 0) -> PageTable:
    header = ("Slice", "Rows", "Baseline", "Now", f"Δ{level}", "Verdict")
    first = ("Gate",) if several else ()
    at = len(first)
    numbers = frozenset(range(at + 1, at + 5))
    return PageTable(caption, (*first, *header), tuple(_row(*row, several) for row in rows), numbers, max(0, left_out))


def _row(rule: RuleResult, each: SliceResult, several: bool) -> tuple[Words, ...]:
    digits = decimals(each.low, each.high)
    ends = "" if each.low is None or each.high is None else f" ({signed(each.low, digits)}, {signed(each.high, digits)})"
    difference = "–" if each.delta is None else f"{signed(each.delta, digits)}{ends}"
    tone: Tone = "bad" if each.standing in _HURT else ""
    verdict = _WORDS[each.standing] + (f" (adj. p {value(each.pvalue)})" if each.standing == "harmed" else "")
    cells: tuple[Words, ...] = (
        (code(each.name),),
        (text(f"{each.n:,}" if each.n else "–"),),
        (text(value(each.baseline, digits)),),
        (text(value(each.current, digits)),),
        (text(difference),),
        (text(verdict, tone=tone),),
    )
    return ((code(rule.id),), *cells) if several else cells
