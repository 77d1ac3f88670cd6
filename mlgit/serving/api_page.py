"""The OpenAPI document as a page: what can be asked, with examples to copy. It loads nothing from elsewhere."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-top: 1px solid var(--line); padding-top: 1rem; font-size: 1.1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: var(--soft); padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 4px; }
summary { cursor: pointer; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
.method { display: inline-block; min-width: 3.5rem; font-weight: 600; }
"""


def page(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document; everything in it is escaped."""
    info = document.get("info", {})
    title = _text(f"{info.get('title', '')} {info.get('version', '')}".strip())
    parts = [f"<h1>{title}</h1>", f"<p>{_text(info.get('description', ''))}</p>", *_columns(document)]
    for path, methods in document.get("paths", {}).items():
        for method, operation in methods.items():
            if isinstance(operation, Mapping):
                parts += _operation(path, method, operation)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    return f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body>{"".join(parts)}</body></html>\n'


def _columns(document: Mapping[str, Any]) -> Iterator[str]:
    """What a row is made of."""
    columns = document.get("components", {}).get("schemas", {}).get("Record", {}).get("properties", {})
    if columns:
        rows = (
            f"<tr><td><code>{_text(name)}</code></td><td>{_text(each.get('description', ''))}</td></tr>"
            for name, each in columns.items()
        )
        yield f"<h2>Columns</h2><table><tr><th>column</th><th>what it has to be</th></tr>{''.join(rows)}</table>"


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h2><span class="method">{_text(method.upper())}</span> <code>{_text(path)}</code></h2>'
    if told := operation.get("description") or operation.get("summary"):
        yield f"<p>{_text(told)}</p>"
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        for name, example in _examples(content):
            told = f"{_text(kind)}{f': {_text(name)}' if name else ''}"
            yield f"<details><summary>{told}</summary><pre>{_text(_shown(example))}</pre></details>"
    rows = [
        f"<tr><td><code>{_text(code)}</code></td><td>{_text(answer.get('description', ''))}</td></tr>"
        for code, answer in operation.get("responses", {}).items()
        if isinstance(answer, Mapping)
    ]
    if rows:
        yield f"<table><tr><th>status</th><th>when</th></tr>{''.join(rows)}</table>"


def _examples(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "example" in content:
        yield "", content["example"]
    for name, example in content.get("examples", {}).items():
        yield name, example.get("value")


def _shown(example: Any) -> str:
    return example if isinstance(example, str) else json.dumps(example)


def _text(value: object) -> str:
    return html.escape(str(value))
