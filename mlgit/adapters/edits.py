"""Values set inside files that people write: only the span of the value changes, comments and layout stay."""

from __future__ import annotations

import json
from typing import Any

import yaml

from mlgit.adapters import documents
from mlgit.errors import MlgitError


def set_value(text: str, key: str, value: Any, *, name: str) -> str:
    """The text of a parameter file with one existing value replaced; `key` is a path with dots.

    YAML and JSON files can be edited. Raises MlgitError for another format, a key that is not there, and a value that
    is a section.
    """
    ending = name.rpartition(".")[2].lower()
    if ending in ("toml", "py"):
        raise MlgitError(f"{name}: values in .{ending} files cannot be set from the command line", f"edit {name}")
    node = _find(text, key, name=name)
    if not isinstance(node, yaml.ScalarNode):
        raise MlgitError(f"{name}: {key}: a section, not a value", "name a value inside it")
    written = json.dumps(value) if ending == "json" else _yaml_text(value, name=name)
    start, end = node.start_mark.index, node.end_mark.index
    gap = " " if start == end and text[start - 1 : start] == ":" else ""
    changed = text[:start] + gap + written + text[end:]
    if value_at(changed, key, name=name) != value:
        raise MlgitError(f"{name}: {key}: cannot be set to {value!r} in its place", f"edit {name}")
    return changed


def insert_first(text: str, key: str, *, entry: str, value: str, name: str) -> str:
    """The text of a YAML file with `entry: value` as the new first entry of an existing section; `key` is a path with dots.

    `value` is YAML in one line. Raises MlgitError when the section is not there, is no mapping, or has the entry.
    """
    node = _find(text, key, name=name)
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise MlgitError(f"{name}: {key}: not a section with entries", f"write `{entry}: {value}` into it")
    first = node.value[0][0].start_mark
    gap = ", " if node.flow_style else "\n" + " " * first.column
    changed = text[: first.index] + f"{entry}: {value}{gap}" + text[first.index :]
    before, wanted = documents.parse(text, name=name), documents.parse(changed, name=name)
    section: Any = wanted
    for part in key.split("."):
        section = section[int(part)] if isinstance(section, list) else section[part]
    if section.pop(entry, None) != documents.parse_yaml(value, name=name) or wanted != before:
        raise MlgitError(f"{name}: {key}: '{entry}' cannot be added in its place", f"write `{entry}: {value}` into it")
    return changed


def value_at(text: str, key: str, *, name: str) -> Any:
    """The value of a key in the text of a parameter file."""
    value = documents.parse(text, name=name)
    for part in key.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def _find(text: str, key: str, *, name: str) -> yaml.Node:
    documents.parse(text, name=name)  # its faults are told better there
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    for position, part in enumerate(key.split(".")):
        node = _child(node, part)
        if node is None:
            shown = ".".join(key.split(".")[: position + 1])
            raise MlgitError(f"{name}: no parameter '{shown}'", f"add it to {name} first")
    assert node is not None
    return node


def _child(node: yaml.Node | None, part: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        found: yaml.Node = node.value[int(part)]
        return found
    return None


def _yaml_text(value: Any, *, name: str) -> str:
    """A value as it can stand inside a line of YAML, in flow style."""
    if isinstance(value, str):
        return value if _reads_back(value, value, name=name) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def _reads_back(text: str, value: str, *, name: str) -> bool:
    if any(char in text for char in "\n#:,[]{}&*!|>'\"%@`\\") or text != text.strip() or not text:
        return False
    return bool(documents.parse_yaml(text, name=name) == value)
