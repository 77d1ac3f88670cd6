"""A contract as the text of a file: one line for a column with little to say, the rest laid out for people to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgit.render.yaml_text import flow, key

_WIDTH = 120


def text(document: Mapping[str, Any], *, head: str = "") -> str:
    """The text of a contract; `head` are lines of comment above it."""
    table = document["schema"][0]
    lines = [f"# {line}" for line in head.splitlines()]
    lines += [f"{name}: {flow(value)}" for name, value in document.items() if name not in ("schema", "version")]
    lines.insert(-1, f"version: {document['version']}")  # three numbers are a text as they stand
    lines += ["schema:", f"  - name: {key(table['name'])}", f"    logicalType: {table['logicalType']}", "    quality:"]
    lines += [f"      - {flow(each)}" for each in table["quality"]]
    lines.append("    properties:" if table["properties"] else "    properties: []")
    for each in table["properties"]:
        lines += column(each, indent=6)
    return "\n".join(lines) + "\n"


def column(given: Mapping[str, Any], *, indent: int) -> list[str]:
    """The lines of an entry of `properties`, so far from the left."""
    line = f"{' ' * indent}- {flow(given)}"
    if "quality" not in given and len(line) <= _WIDTH:
        return [line]
    first, *rest = _block(given, indent + 2)
    return [f"{' ' * indent}- {first.lstrip()}", *rest]


def _block(given: Mapping[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    space = " " * indent
    for name, value in given.items():
        line = f"{space}{name}: {flow(value)}"
        if name == "quality":
            lines.append(f"{space}quality:")
            lines += [part for each in value for part in _rule(each, indent + 2)]
        elif name == "properties" and len(line) > _WIDTH:
            lines.append(f"{space}properties:")
            lines += [part for each in value for part in column(each, indent=indent + 2)]
        elif name == "items" and len(line) > _WIDTH:
            lines += [f"{space}items:", *_block(value, indent + 2)]
        else:
            lines.append(line)
    return lines


def _rule(given: Mapping[str, Any], indent: int) -> list[str]:
    line = f"{' ' * indent}- {flow(given)}"
    if len(line) <= _WIDTH:
        return [line]
    space = " " * (indent + 2)
    rows = [f"{space}{name}: {flow(value)}" for name, value in given.items()]
    return [f"{' ' * indent}- {rows[0].lstrip()}", *rows[1:]]
