"""A report as Markdown for a comment: within the limits whatever it holds, every text from a repository escaped."""

from __future__ import annotations

import html
import re

from mlgit.render.markdown import code_span, comment_text, fenced
from mlgit.report import content, marker, mermaid, page
from mlgit.report.document import Report
from mlgit.report.marker import Marker
from mlgit.report.page import Block, Chart, Log, Page, PageSection, PageTable, Paragraph, TextSpan, Words

LIMIT = 60_000  # bytes; GitHub takes 65,536 characters
SUMMARY_LIMIT = 900_000  # bytes; over 1 MiB GitHub drops all of a summary
_HEADLINE = "### mlgit: "
_UNDRAWN = "its lines have no two places in common"
# Rows of a table and letters of a text, when there is no room for all.
_SIZES = ((1000, 1000), (200, 300), (60, 200), (20, 120), (8, 60), (3, 40), (1, 20))


def comment(report: Report, *, previous: str = "", limit: int = LIMIT) -> str:
    """The body of a comment of at most `limit` bytes, its marker first.

    `previous` is the body so far: a verdict in it that no longer holds is struck out.
    """
    mark = mark_of(report)
    body = _fitting(report, limit - len(str(mark)) - 2, previous=headline_of(previous))
    return f"{mark}\n{body}"


def summary(report: Report, *, limit: int = SUMMARY_LIMIT) -> str:
    """The body of the summary of a step: the same without a marker, and with more room."""
    return _fitting(report, limit)


def mark_of(report: Report) -> Marker:
    """The marker of the comment that this report belongs to."""
    return marker.make(key=report.key, head=report.head.commit, number=report.run.number, attempt=report.run.attempt)


def headline_of(body: str) -> str:
    """The verdict in a comment that mlgit wrote, as plain words; '' where there is none, or one that was struck out."""
    lines = body.split("\n")
    if marker.parse(body) is None or len(lines) < 2 or not lines[1].startswith(_HEADLINE):
        return ""
    bare = re.sub(r"</?code>|<!-- -->|[`\\]", "", lines[1].removeprefix(_HEADLINE))
    bare = html.unescape(bare).replace("\u200b", "")
    return "" if "the run failed" in bare else bare


def _fitting(report: Report, limit: int, *, previous: str = "") -> str:
    whole = content.page(report, previous=previous)
    dropped: list[str] = []
    body = _render(whole, dropped, report)
    for name in page.DROPPED_FIRST:
        if len(body.encode()) <= limit:
            return body
        if any(section.name == name for section in whole.sections):
            dropped.append(name)
        body = _render(page.without(whole, frozenset(dropped)), dropped, report)
    for rows, letters in _SIZES:
        if len(body.encode()) <= limit:
            return body
        body = _render(page.shortened(page.without(whole, frozenset(dropped)), rows=rows, letters=letters), dropped, report)
    return body if len(body.encode()) <= limit else f"{_HEADLINE}the report is too long to be shown here\n"


def _render(found: Page, dropped: list[str], report: Report) -> str:
    parts = [_HEADLINE + _words(found.headline)]
    parts += [_section(each) for each in found.sections]
    if dropped:
        full = TextSpan("the full report", "link", report.run.url) if report.run.url else TextSpan("the report of the run")
        parts.append(_words((TextSpan(f"Left out for length: {', '.join(dropped)}. They are in "), full, TextSpan("."))))
    return "\n\n".join(parts) + "\n"


def _section(section: PageSection) -> str:
    body = "\n\n".join(_block(each) for each in section.blocks)
    if not section.title:
        return body
    # within HTML no backslash escapes; a title has no words from a repository
    return f"<details><summary>{html.escape(section.title)}</summary>\n\n{body}\n\n</details>"


def _block(block: Block) -> str:
    match block:
        case Paragraph(words, is_notice):
            return ("> " if is_notice else "") + _words(words)
        case PageTable():
            return _table(block)
        case Log(lines, is_diff):
            return fenced(lines, "diff" if is_diff else "text")
        case Chart(plot):
            drawn = mermaid.chart(plot)
            return fenced(tuple(drawn.split("\n")), "mermaid") if drawn else comment_text(f"{plot.title}: {_UNDRAWN}")


def _table(table: PageTable) -> str:
    rule = ["--:" if index in table.right else ":--" for index in range(len(table.header))]
    rows = [[comment_text(each) for each in table.header], rule]
    rows += [[_words(cell) for cell in row] for row in table.rows]
    if table.left_out:
        rows.append([f"… and {table.left_out} more", *[""] * (len(table.header) - 1)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _words(words: Words) -> str:
    return "".join(map(_span, words))


def _span(span: TextSpan) -> str:
    if not span.text:
        return ""
    words = span.text.strip(" ")
    safe = (" " if span.text[0] == " " else "") + comment_text(words) + (" " if span.text[-1] == " " and words else "")
    match span.kind:
        case "code":
            return code_span(span.text)
        case "strong":
            return f"<b>{safe}</b>"
        case "struck":
            return f"<s>{safe}</s>"
        case "link" if span.leads_somewhere:
            return f"[{safe}]({span.href})"
        case _:
            return safe
