"""A report as one HTML page that needs nothing else: no network and no script; light and dark, and good for screen readers.

The content is that of the comment, whole; plots are drawn as SVG.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from mlgit.render.svg import safe
from mlgit.report import content, interval_figure
from mlgit.report.document import Report
from mlgit.report.page import Block, Chart, Log, Page, PageSection, PageTable, Paragraph, TextSpan, Words
from mlgit.report.plot_figure import figure

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; base-uri 'none'; form-action 'none'"
_TONES = {"pass": "good", "warn": "warn", "fail": "bad", "invalid": "bad"}
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --soft: #59636e; --line: #d1d9e0; --tint: #f6f8fa;
  --link: #0550ae; --good: #1a7f37; --warn: #8a5a00; --bad: #c4202c; --plain: #59636e; --refused: #fbe3e4;
  --a: #0550ae; --b: #bc4c00; --c: #1a7f37; --d: #8250df; --e: #cf222e; --f: #59636e }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1; --line: #3d444d;
  --tint: #151b23; --link: #4493f8; --good: #3fb950; --warn: #d29922; --bad: #ff7b72; --plain: #9198a1; --refused: #3d1c1f;
  --a: #4493f8; --b: #f0883e; --c: #3fb950; --d: #ab7df8; --e: #f85149; --f: #9198a1 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 70rem; margin: 0 auto; padding: 2rem 1rem 4rem }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 1rem; overflow-wrap: anywhere; border-left: 6px solid var(--line);
  padding-left: .75rem }
h1.good { border-color: var(--good) }
h1.warn { border-color: var(--warn) }
h1.bad { border-color: var(--bad) }
span.good { color: var(--good); font-weight: 600 }
span.warn { color: var(--warn); font-weight: 600 }
span.bad { color: var(--bad); font-weight: 600 }
p { overflow-wrap: anywhere }
code { background: var(--tint); border-radius: 4px; padding: .1em .3em; font: .9em ui-monospace, monospace;
  overflow-wrap: anywhere }
.notice { border-left: 4px solid var(--warn); padding: .25rem .75rem; margin: .75rem 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; margin: 1rem 0; min-width: 50% }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem }
details caption { position: absolute; width: 1px; height: 1px; padding: 0; overflow: hidden; clip-path: inset(50%) }
details[open] { border-bottom: 1px solid var(--line); padding-bottom: .5rem }
th code, td code { background: none; padding: 0; overflow-wrap: break-word }
th, td { border: 1px solid var(--line); padding: .35rem .7rem; text-align: left; vertical-align: top; max-width: 30rem;
  overflow-wrap: break-word }
th { background: var(--tint) }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
pre { background: var(--tint); padding: .75rem; overflow-x: auto; border-radius: 6px;
  font: .85rem/1.45 ui-monospace, monospace }
summary { cursor: pointer; font-weight: 600; padding: .4rem 0; overflow-wrap: anywhere }
summary:focus-visible, a:focus-visible, .scroll:focus-visible, pre:focus-visible { outline: 3px solid var(--link);
  outline-offset: 2px }
a { color: var(--link) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 2rem }
figure { margin: 1rem 0; min-width: 0 }
figcaption { color: var(--soft); font-size: .9rem }
svg { max-width: 100%; height: auto; display: block }
@media (max-width: 40rem) { main { padding: 1rem .75rem 3rem } h1 { font-size: 1.2rem } th, td { padding: .3rem .5rem }
  table { font-size: .9rem } .number { white-space: normal } }
""".strip()


def page(report: Report) -> str:
    """The page; the same report gives the same bytes."""
    found = content.page(report)
    title = safe("".join(span.text for span in found.headline))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>mlgit: {title}</title>",
        f"<style>\n{_STYLE}\n</style>",
        "</head>",
        "<body>",
        "<main>",
        _body(found, report),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


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
