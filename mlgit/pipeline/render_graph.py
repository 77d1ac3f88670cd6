"""The graph as text, Mermaid, Graphviz dot and SVG. Same graph, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from html import escape

from mlgit.pipeline.graph import Graph
from mlgit.render.terminal import width
from mlgit.render.text import plain

_DEEPEST = 60  # columns
FORMATS = ("text", "mermaid", "dot", "svg")


def draw(graph: Graph, chosen: Set[int], *, form: str) -> str:
    """The chosen stages and the edges between them, in one of FORMATS."""
    return _RENDERERS[form](graph, sorted(chosen))


def _edges(graph: Graph, chosen: Sequence[int]) -> list[tuple[int, int]]:
    kept = set(chosen)
    return [(need, number) for number in chosen for need in sorted(graph.needs[number]) if need in kept]


def _text(graph: Graph, chosen: Sequence[int]) -> str:
    """A tree: every stage stands below the last stage it needs; further needs are named beside it.

    What would stand far to the right begins anew at the left, with the name of the stage that it follows.
    """
    parents: dict[int, list[int]] = {number: [] for number in chosen}
    for need, number in _edges(graph, chosen):
        parents[number].append(need)
    depth = _depths(graph, chosen)
    below: dict[int | None, list[int]] = {}
    for number in chosen:
        parent = max(parents[number], key=lambda each: (depth[each], each), default=None)
        below.setdefault(parent, []).append(number)
    rows: list[str] = []
    # Not recursive: a chain may be longer than Python's stack.
    waiting = [(number, "", "", "") for number in reversed(below.get(None, []))]
    continued: list[tuple[int, str, str, str]] = []
    while waiting or continued:
        if not waiting:
            waiting, continued = continued[::-1], []
        number, before, own, after = waiting.pop()
        shown = plain(graph.stages[number].address)
        others = sorted(parents[number], key=lambda each: (depth[each], each))[:-1]
        note = f"  (also needs {', '.join(plain(graph.stages[each].address) for each in others)})" if others else ""
        rows.append(f"{before}{own}{shown}{note}")
        children = below.get(number, [])
        if len(before + after) > _DEEPEST:
            continued += [(child, "", f"(after {shown}) ", "") for child in children]
            continue
        for child in reversed(children):
            last = child == children[-1]
            waiting.append((child, before + after, "└─ " if last else "├─ ", "   " if last else "│  "))
    return "\n".join(rows) + "\n" if rows else ""


def _depths(graph: Graph, chosen: Sequence[int]) -> dict[int, int]:
    depth: dict[int, int] = {}
    for number in chosen:
        depth[number] = max((depth[need] + 1 for need in graph.needs[number] if need in depth), default=0)
    return depth


def _mermaid(graph: Graph, chosen: Sequence[int]) -> str:
    rows = ["flowchart TD"]
    for number in chosen:
        name = plain(graph.stages[number].address).replace('"', "#quot;")
        rows.append(f'\ts{number}["{escape(name, quote=False)}"]')
    rows += [f"\ts{need} --> s{number}" for need, number in _edges(graph, chosen)]
    return "\n".join(rows) + "\n"


def _dot(graph: Graph, chosen: Sequence[int]) -> str:
    def quoted(number: int) -> str:
        name = plain(graph.stages[number].address)
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'

    rows = ["digraph pipeline {", "  node [shape=box];"]
    rows += [f"  {quoted(number)};" for number in chosen]
    rows += [f"  {quoted(need)} -> {quoted(number)};" for need, number in _edges(graph, chosen)]
    return "\n".join([*rows, "}"]) + "\n"


_HEIGHT, _GAP, _LAYER, _CHAR, _PAD, _MARGIN = 32, 24, 72, 8, 24, 16


def _svg(graph: Graph, chosen: Sequence[int]) -> str:
    """Layers from top to bottom by depth; within a layer, stages stand near the middle of what they need."""
    boxes, total = _layout(graph, chosen)
    height = max((top for _, top, _ in boxes.values()), default=0) + _HEIGHT + _MARGIN
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{height}" viewBox="0 0 {total} {height}" '
        'font-family="monospace" font-size="13">',
        "<title>pipeline</title>",
    ]
    for need, number in _edges(graph, chosen):
        (left, top, wide), (end_left, end_top, end_wide) = boxes[need], boxes[number]
        x1, y1, x2, y2 = left + wide / 2, top + _HEIGHT, end_left + end_wide / 2, end_top
        bend = (y2 - y1) / 2
        rows.append(
            f'<path d="M{x1:g} {y1} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2}" fill="none" stroke="#888"/>'
        )
    for number, (left, top, wide) in boxes.items():
        name = escape(plain(graph.stages[number].address))
        rows.append(f'<rect x="{left}" y="{top}" width="{wide}" height="{_HEIGHT}" rx="6" fill="#eef3fb" stroke="#4a6fa5"/>')
        rows.append(f'<text x="{left + wide / 2:g}" y="{top + 21}" text-anchor="middle" fill="#1b2a41">{name}</text>')
    return "\n".join([*rows, "</svg>"]) + "\n"


def _layout(graph: Graph, chosen: Sequence[int]) -> tuple[dict[int, tuple[int, int, int]], int]:
    layers: dict[int, list[int]] = {}
    for number, depth in _depths(graph, chosen).items():
        layers.setdefault(depth, []).append(number)
    wides = {number: width(plain(graph.stages[number].address)) * _CHAR + _PAD for number in chosen}
    sizes = {depth: sum(wides[each] for each in layer) + _GAP * (len(layer) - 1) for depth, layer in layers.items()}
    total = max(sizes.values(), default=0) + 2 * _MARGIN
    boxes: dict[int, tuple[int, int, int]] = {}

    def middle(number: int) -> float:
        needs = [boxes[need] for need in graph.needs[number] if need in boxes]
        return sum(left + wide / 2 for left, _, wide in needs) / len(needs) if needs else 0.0

    for depth in sorted(layers):
        left = (total - sizes[depth]) // 2
        for number in sorted(layers[depth], key=lambda each: (middle(each), each)):
            boxes[number] = (left, _MARGIN + depth * _LAYER, wides[number])
            left += wides[number] + _GAP
    return boxes, total


_RENDERERS: dict[str, Callable[[Graph, Sequence[int]], str]] = {"text": _text, "mermaid": _mermaid, "dot": _dot, "svg": _svg}
