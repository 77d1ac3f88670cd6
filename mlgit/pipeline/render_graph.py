"""The graph as text, Mermaid, Graphviz dot and SVG. Same graph, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from html import escape

from mlgit.pipeline import graph_svg
from mlgit.pipeline.graph import Graph
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


def _svg(graph: Graph, chosen: Sequence[int]) -> str:
    return graph_svg.picture({number: graph.stages[number].address for number in chosen}, _edges(graph, chosen))


_RENDERERS: dict[str, Callable[[Graph, Sequence[int]], str]] = {"text": _text, "mermaid": _mermaid, "dot": _dot, "svg": _svg}
