"""Logged requests as lines of a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlgit.render.terminal import cut, table
from mlgit.render.text import count, number, plain
from mlgit.serving.logged import LoggedRequest, names

_MOST_ROWS = 5
_MOST_COLUMNS = 40


def page(request: LoggedRequest, *, row: int | None = None) -> str:
    """A request in full, or only one of its rows; not more than five rows are shown."""
    lines = [f"{name:9} {plain(text)}" for name, text in _head(request) if text]
    inputs = request.inputs or ()
    wanted = [row] if row is not None else range(min(len(inputs), _MOST_ROWS))
    chosen = [each for each in wanted if each < len(inputs)]
    if chosen:
        lines += ["", *(f"  {line}" for line in _values(request, chosen).splitlines())]
    left = len(inputs) - len(chosen)
    if left and row is None:
        lines.append(f"  and {count(left, 'more row')}; --json has them all")
    return "\n".join(lines)


def _head(request: LoggedRequest) -> Iterator[tuple[str, str]]:
    header = request.header
    version = f"{header.model}@{request.version}" if header.model else request.version
    yield "request", request.id
    yield "time", request.ts
    yield "version", version + (f" (commit {header.commit[:10]})" if header.commit else "")
    yield "digest", f"sha256 {request.digest}" if request.digest else ""
    yield "role", request.role
    yield "answer", f"{request.code} in {number(request.ms)} ms"
    for each in request.violations[:_MOST_ROWS]:
        yield "broken", f"row {each.get('row')}: {each.get('column')}: {each.get('rule')}"
    if len(request.violations) > _MOST_ROWS:
        yield "", f"and {len(request.violations) - _MOST_ROWS} more"
    if header.hashed:
        yield "hashed", ", ".join(header.hashed)


def _values(request: LoggedRequest, chosen: list[int]) -> str:
    """Columns and answers down, rows across."""
    inputs, outputs = request.inputs or (), request.outputs or {}
    columns = names(request.header, max(map(len, inputs), default=0))
    cells = [
        (name, [_cell(inputs[row][place]) if place < len(inputs[row]) else "" for row in chosen])
        for place, name in enumerate(columns)
    ]
    answers = [(name, [_cell(each[row]) if row < len(each) else "" for row in chosen]) for name, each in _lists(outputs)]
    head = ["", *(f"row {row}" for row in chosen)] if len(inputs) > 1 else ["", "value"]
    return table(head, [[name, *values] for name, values in [*cells, *answers]])


def _lists(outputs: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for name, each in outputs.items():
        yield f"-> {name}", each if isinstance(each, list) else [each]


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else _number(value)
    return cut(plain(text), _MOST_COLUMNS)


def _number(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_number, value)) + "]"
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else json.dumps(value)


def row(request: LoggedRequest) -> str:
    """A request as one line: time, id, version, code, and the first predictions or why there are none."""
    said = _answer(request)
    role = "" if request.role == "champion" else f" ({request.role})"
    head = f"{request.ts}  {request.id}  {request.version}{role}  {request.code}  {number(request.ms)} ms"
    return plain(f"{head}  {said}" if said else head)


def _answer(request: LoggedRequest) -> str:
    if request.outputs is None:
        return "; ".join(f"{each.get('column')}: {each.get('rule')}" for each in request.violations[:_MOST_ROWS])
    answers = next((each for _, each in _lists(request.outputs)), [])
    more = "" if len(answers) <= _MOST_ROWS else f" and {len(answers) - _MOST_ROWS} more"
    return cut(", ".join(map(_cell, answers[:_MOST_ROWS])), 2 * _MOST_COLUMNS) + more
