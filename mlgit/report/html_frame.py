"""The frame of every page: one file that needs no network and no script, in light and dark, on a desk and on a phone."""

from __future__ import annotations

import base64
import hashlib

from mlgit.render.svg import safe

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
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
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 1rem }
.pair img { max-width: 100%; height: auto; background: #fff }
h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; overflow-wrap: anywhere }
a { color: var(--link) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 2rem }
figure { margin: 1rem 0; min-width: 0 }
figcaption { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere }
svg { max-width: 100%; height: auto; display: block }
.scroll svg { max-width: none }
@media (max-width: 40rem) { main { padding: 1rem .75rem 3rem } h1 { font-size: 1.2rem } th, td { padding: .3rem .5rem }
  table { font-size: .9rem } .number { white-space: normal } }
""".strip()


def document(title: str, body: str, *, made: str = "mlgit", script: str = "", style: str = "") -> str:
    """A whole page; `made` is what it says of itself, `style` more rules.

    A browser runs the one `script`, known by its digest, and nothing else: whatever stands in `body` stays text.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{_POLICY}; script-src 'sha256-{digest}'" if script else _POLICY
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta name="generator" content="{safe(made)}">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{safe(title)}</title>",
        f"<style>\n{_STYLE}\n{style}</style>",
        "</head>",
        "<body>",
        "<main>",
        body,
        "</main>",
        *([f"<script>{script}</script>"] if script else []),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"
