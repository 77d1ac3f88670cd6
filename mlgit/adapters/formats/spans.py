"""Where the values of a parameter file stand in its text: the same small tree for YAML, JSON and Python."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import yaml


class Span(NamedTuple):
    """A value in a text, from `start` to `end`.

    `items` are the parts of a list or mapping, by name; of two with one name the last counts. A value in block style has
    an `indent` and, below a key, a `head`: where a value in the key's own line would begin. An alias stands for a value
    elsewhere, whose text it repeats; `aliases` are the places that repeat this value. `inherits`: keys come from `<<` too.
    """

    start: int
    end: int
    kind: Literal["value", "list", "mapping", "alias"] = "value"
    items: tuple[SpannedItem, ...] = ()
    indent: int = -1
    head: int = -1
    aliases: tuple[tuple[int, int], ...] = ()
    inherits: bool = False


class SpannedItem(NamedTuple):
    """A part of a list or mapping: its name, its value, and where it begins."""

    name: str
    span: Span
    start: int


def of_json(text: str) -> Span:
    """The tree of a JSON text that `json.loads` accepts."""
    return _json(text, _after_space(text, 0))


def _after_space(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\t", "\n", "\r"):
        place += 1
    return place


def _json(text: str, start: int) -> Span:
    if text[start] not in "[{":
        return Span(start, json.JSONDecoder().raw_decode(text, start)[1])
    items: list[SpannedItem] = []
    decoder, is_mapping = json.JSONDecoder(), text[start] == "{"
    place = _after_space(text, start + 1)
    while text[place] not in "]}":
        begin, name = place, str(len(items))
        if is_mapping:
            name, place = decoder.raw_decode(text, place)
            place = _after_space(text, _after_space(text, place) + 1)  # the colon
        items.append(SpannedItem(name, span := _json(text, place), begin))
        place = _after_space(text, span.end)
        place = _after_space(text, place + 1) if text[place] == "," else place
    return Span(start, place + 1, "mapping" if is_mapping else "list", tuple(items))


def of_python(text: str) -> Span:
    """The tree of the constants of a Python text: module, classes, and `self` of their `__init__`."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    return Span(0, len(text), "mapping", tuple(_constants(ast.parse(text).body, place, of_self=False)))


Place = Callable[[int, int], int]


def _constants(body: list[ast.stmt], place: Place, *, of_self: bool) -> Iterator[SpannedItem]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            inner = tuple(_constants(statement.body, place, of_self=False))
            start = place(statement.lineno, statement.col_offset)
            yield SpannedItem(statement.name, Span(start, start, "mapping", inner), start)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            yield from _constants(statement.body, place, of_self=True)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
            name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
            if name and isinstance(target, ast.Attribute) is of_self:
                yield SpannedItem(name, _python(statement.value, place), place(statement.lineno, statement.col_offset))


def _python(node: ast.expr, place: Place) -> Span:
    start, end = place(node.lineno, node.col_offset), place(node.end_lineno or 0, node.end_col_offset or 0)
    rows: list[tuple[str, ast.expr]] = []
    if isinstance(node, ast.List):
        rows = [(str(number), item) for number, item in enumerate(node.elts)]
    elif isinstance(node, ast.Dict):
        names = [str(key.value) if isinstance(key, ast.Constant) else "" for key in node.keys]
        rows = list(zip(names, node.values, strict=True))
    else:
        return Span(start, end)
    spans = [(name, _python(item, place)) for name, item in rows]
    items = tuple(SpannedItem(name, span, span.start) for name, span in spans)
    return Span(start, end, "list" if isinstance(node, ast.List) else "mapping", items)


class _Alias(yaml.Node):
    """An alias, with the value that it stands for."""

    def __init__(self, target: yaml.Node, event: Any) -> None:
        super().__init__(target.tag, None, event.start_mark, event.end_mark)
        self.target = target


class _Composer(yaml.SafeLoader):
    """PyYAML's composer, but that it keeps aliases apart from what they stand for."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            return super().compose_node(parent, index)
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        found = super().compose_node(parent, index)
        return found and _Alias(found, event)


def of_yaml(text: str) -> Span:
    """The tree of a YAML text. Raises yaml.YAMLError for what PyYAML cannot read."""
    root = yaml.compose(text, Loader=_Composer)
    if root is None:
        return Span(len(text), len(text), "mapping")
    places: dict[int, list[tuple[int, int]]] = {}
    for node in _nodes(root):
        if isinstance(node, _Alias):
            places.setdefault(id(node.target), []).append((node.start_mark.index, node.end_mark.index))
    return _yaml(root, text, places, head=-1)


def _nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _nodes(key)
            yield from _nodes(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _nodes(item)


def _yaml(node: yaml.Node, text: str, places: dict[int, list[tuple[int, int]]], *, head: int) -> Span:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, _Alias):
        return Span(start, end, "alias")
    aliases = tuple(places.get(id(node), ()))
    if isinstance(node, yaml.ScalarNode):
        trimmed = len(text[start:end].rstrip()) if node.style in ("|", ">") else end - start
        return Span(start, start + trimmed, aliases=aliases)
    items, inherits = [], False
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inherits = inherits or key.tag == "tag:yaml.org,2002:merge"
            if isinstance(key, yaml.ScalarNode):
                colon = text.find(":", key.end_mark.index) + 1
                items.append(SpannedItem(key.value, _yaml(value, text, places, head=colon), key.start_mark.index))
    else:
        spans = [_yaml(item, text, places, head=-1) for item in node.value]
        items = [SpannedItem(str(number), span, span.start) for number, span in enumerate(spans)]
    kind: Literal["list", "mapping"] = "mapping" if isinstance(node, yaml.MappingNode) else "list"
    if getattr(node, "flow_style", False) or not items:
        return Span(start, end, kind, tuple(items), aliases=aliases, inherits=inherits)
    first = items[0].start if kind == "mapping" else text.rfind("-", 0, max(items[0].start, start + 1))
    indent = first - (text.rfind("\n", 0, first) + 1)
    return Span(start, items[-1].span.end, kind, tuple(items), indent, head, aliases, inherits)


_ANCHOR = re.compile(r"&[^\s,\[\]{}]+")


def anchor(text: str, span: Span) -> str:
    """The anchor that stands before a value, `&x`; '' where there is none."""
    found = _ANCHOR.search(text, span.start, span.end)
    return found[0] if found else ""
