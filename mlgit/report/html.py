"""A report as one HTML page that needs nothing else: no network and no script; light and dark, and good for screen readers.

The content is that of the comment, whole; plots are drawn as SVG.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from mlgit.render.svg import safe
from mlgit.report import content, html_frame, interval_figure
from mlgit.report.document import Report
from mlgit.report.page import Block, Chart, Log, Page, PageSection, PageTable, Paragraph, TextSpan, Words
from mlgit.report.plot_figure import figure

_TONES = {"pass": "good", "warn": "warn", "fail": "bad", "invalid": "bad"}


def page(report: Report) -> str:
    """The page; the same report gives the same bytes."""
    found = content.page(report)
    title = "".join(span.text for span in found.headline)
    return html_frame.document(f"mlgit: {title}", _body(found, report))


def _body(found: Page, report: Report) -> str:
    tone = "bad" if report.state in ("run failed", "invalid") else _TONES.get(report.verdict, "plain")
    headline = f'<h1 class="{tone}">mlgit: {_words(found.headline)}</h1>'
    return "\n".join([headline, *(_section(each, report) for each in found.sections)])


def _section(section: PageSection, report: Report) -> str:
    body = "\n".join(_together(section.blocks))
    if section.name == "metrics" and (drawn := interval_figure.figures(report.rules)):
        body += '\n<div class="figures">\n' + "\n".join(drawn) + "\n</div>"
    if not section.title:
        return f"<section>\n{body}\n</section>"
    return f"<details>\n<summary>{safe(section.title)}</summary>\n{body}\n</details>"


def _together(blocks: Iterable[Block]) -> Iterator[str]:
    """Blocks one below the other, plots side by side where there is room."""
    for is_chart, group in itertools.groupby(blocks, key=lambda block: isinstance(block, Chart)):
        drawn = "\n".join(map(_block, group))
        yield f'<div class="figures">\n{drawn}\n</div>' if is_chart else drawn


def _block(block: Block) -> str:
    match block:
        case Paragraph(words, is_notice):
            return f'<p class="notice" role="note">{_words(words)}</p>' if is_notice else f"<p>{_words(words)}</p>"
        case PageTable():
            return _table(block)
        case Log(lines):
            return f'<pre tabindex="0">{chr(10).join(map(safe, lines))}</pre>'
        case Chart(plot):
            return figure(plot)


def _table(table: PageTable) -> str:
    head = "".join(_heading(table, index, each) for index, each in enumerate(table.header))
    rows = ["".join(_cell(table, index, cell) for index, cell in enumerate(row)) for row in table.rows]
    if table.left_out:
        rows.append(f'<td colspan="{len(table.header)}">and {table.left_out} more</td>')
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    label = f'role="region" aria-label="{safe(table.caption)}" tabindex="0"'
    return (
        f'<div class="scroll" {label}>\n<table>\n<caption>{safe(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _heading(table: PageTable, index: int, words: str) -> str:
    return f'<th scope="col"{_numeric(table, index)}>{safe(words) or "&#160;"}</th>'


def _cell(table: PageTable, index: int, cell: Words) -> str:
    if index == 0 and table.header[0]:
        return f'<th scope="row">{_words(cell)}</th>'
    return f"<td{_numeric(table, index)}>{_words(cell)}</td>"


def _numeric(table: PageTable, index: int) -> str:
    return ' class="number"' if index in table.right else ""


def _words(words: Words) -> str:
    return "".join(map(_span, words))


def _span(span: TextSpan) -> str:
    words = safe(span.text)
    match span.kind:
        case "code":
            return f"<code>{words}</code>"
        case "strong":
            return f"<strong>{words}</strong>"
        case "struck":
            return f"<s>{words}</s>"
        case "link" if span.leads_somewhere:
            return f'<a href="{safe(span.href)}" rel="noopener noreferrer">{words}</a>'
        case _:
            return f'<span class="{span.tone}">{words}</span>' if span.tone else words
