"""YAML 1.2, as DVC reads it.

PyYAML's C parser does the work, but with the resolver of YAML 1.2: `on` is a string, `012` is 12 and `1e-5` a float.
The regular expressions follow the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema) with the
extensions ruamel.yaml accepts (`_` in numbers, `0b`, dates), because DVC reads the same files through ruamel.
"""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, ClassVar

import yaml

from mlgit.errors import MlgitError

_TEXT, _LIST, _MAPPING, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map", "merge"))
_CLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DuplicateKey(yaml.MarkedYAMLError):
    """A mapping that names one key twice: YAML forbids it, and one of the two values would be lost."""


class Yaml12Loader(_CLoader):  # type: ignore[misc]
    """libyaml's parser, YAML 1.2's types, and no duplicate keys."""

    yaml_implicit_resolvers: ClassVar[dict[str | None, list[tuple[str, re.Pattern[str]]]]] = {}

    def construct_document(self, node: yaml.Node) -> Any:
        """The value of a document. Of texts, lists and mappings it is built here: PyYAML takes twice the time for them."""
        return self._built(node, {})

    def _built(self, node: yaml.Node, known: dict[int, Any]) -> Any:
        kind, tag = type(node), node.tag
        if kind is yaml.ScalarNode:
            return node.value if tag == _TEXT else self.construct_object(node, deep=True)
        if id(node) in known:  # an alias
            return known[id(node)]
        if kind is yaml.SequenceNode and tag == _LIST:
            items = known[id(node)] = []
            items.extend([self._built(each, known) for each in node.value])
            return items
        if isinstance(node, yaml.MappingNode) and tag == _MAPPING:
            mapping = known[id(node)] = {}
            return self._fill(mapping, node, lambda each: self._built(each, known))
        return self.construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        return self._fill({}, node, lambda each: self.construct_object(each, deep=True))

    def _fill(
        self, mapping: dict[Hashable, Any], node: yaml.MappingNode, build: Callable[[yaml.Node], Any]
    ) -> dict[Hashable, Any]:
        merges = [key for key, _ in node.value if key.tag == _MERGE]
        if merges:
            if len(merges) > 1:
                raise DuplicateKey(problem="duplicate key '<<'", problem_mark=merges[1].start_mark)
            self.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = build(key_node)
            if isinstance(key, list) and not merges:
                key = tuple(key)
            try:
                known = key in mapping
            except TypeError as error:
                raise yaml.MarkedYAMLError(
                    problem="this key cannot be used as a key", problem_mark=key_node.start_mark
                ) from error
            if known and not merges:
                raise DuplicateKey(problem=f"duplicate key '{key}'", problem_mark=key_node.start_mark)
            mapping[key] = build(value_node)
        return mapping


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2])
    return sign * (int(digits[2:], base) if base else int(digits))


def _construct_float(loader: Any, node: yaml.ScalarNode) -> float:
    text = loader.construct_scalar(node).replace("_", "").lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


_RESOLVERS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (
        "float",
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("int", r"[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    (
        "timestamp",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
        r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?",
        "0123456789",
    ),
)
for _tag, _pattern, _first in _RESOLVERS:
    Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _construct_as_dvc(loader: Any, node: yaml.Node) -> Any:
    raise yaml.MarkedYAMLError(problem="only DVC's parser knows this tag", problem_mark=node.start_mark)


for _tag in ("omap", "pairs"):  # of these PyYAML makes lists of tuples
    Yaml12Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct_as_dvc)
Yaml12Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
Yaml12Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)


# libyaml's parser calls itself for every level and would overflow the C stack; DVC's gives up near 300 levels.
_DEEPEST = 500
_COMPACT_NESTING = re.compile(rf"(?:[-?:][ \t]+){{{_DEEPEST}}}")

# What the constructors of YAML's types raise, beside their own error, for text that does not fit its tag.
_MISFITS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def parse(text: str, *, name: str) -> Any:
    """The value of a YAML 1.2 document; an empty one is None.

    Raises MlgitError `NAME: line L, column C: what` for text that is not YAML, for a duplicate key and for a tag
    that would build anything but plain data.
    """
    collecting = gc.isenabled()
    gc.disable()  # a large lock builds many small objects; collecting while parsing costs a third of the time
    try:
        if _is_too_deep(text):
            raise MlgitError(f"{name}: nested too deeply")
        if "%YAML" in text:  # a document may ask for the types of YAML 1.1, and DVC obeys
            with suppress(_RuamelError):
                return _parse_as_dvc(text)
        value = yaml.load(text, Loader=Yaml12Loader)  # noqa: S506 - a SafeLoader by inheritance
        if "\t" in text:
            _refuse_tab(text, name)
        return value
    except yaml.MarkedYAMLError as error:
        if not isinstance(error, DuplicateKey):
            with suppress(_RuamelError):
                return _parse_as_dvc(text)
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise MlgitError(f"{name}: {place}{_yaml_problem(text, error)}", _yaml_hint(text, error)) from error
    except (yaml.YAMLError, *_MISFITS) as error:
        raise MlgitError(f"{name}: not YAML: {_misfit(error)}") from error
    finally:
        if collecting:
            gc.enable()


def _is_too_deep(text: str) -> bool:
    """Whether collections nest deeper than the loader can follow; events are counted only where that is possible."""
    if text.count("[") + text.count("{") <= _DEEPEST and not _COMPACT_NESTING.search(text):
        return False
    depth = 0
    with suppress(yaml.YAMLError):  # the loader tells what is wrong, and where
        for event in yaml.parse(text, Loader=_CLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                return True
    return False


def _misfit(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    readable = isinstance(error, (yaml.YAMLError, ArithmeticError, ValueError)) and str(error)
    return str(error).splitlines()[0] if readable else "a value does not fit its tag"


class _RuamelError(Exception):
    """DVC's own parser refuses the text as well."""


def _parse_as_dvc(text: str) -> Any:
    """The slow parser that DVC uses: it accepts a few spellings of YAML 1.2 that libyaml does not know."""
    from ruamel.yaml import YAML, YAMLError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about anchors used twice
            return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, *_MISFITS) as error:
        raise _RuamelError from error


def _refuse_tab(text: str, name: str) -> None:
    """Raise MlgitError for a tab where DVC's parser takes none: libyaml takes it for a blank."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        for _ in YAML(typ="safe", pure=True).parse(text):
            pass
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise MlgitError(f"{name}: {place}a tab, which DVC cannot read there", "put spaces in its place") from error


def _is_tab(text: str, error: yaml.MarkedYAMLError) -> bool:
    mark = error.problem_mark
    if mark is None:
        return False
    rows = text.splitlines()
    return mark.line < len(rows) and "\t" in rows[mark.line][: mark.column + 1]


def _yaml_problem(text: str, error: yaml.MarkedYAMLError) -> str:
    if "\n<<<<<<< " in f"\n{text}":
        return "Git's conflict markers stand in it"
    if _is_tab(text, error):
        return "a tab cannot indent YAML"
    return error.problem or error.context or "not YAML"


def _yaml_hint(text: str, error: yaml.MarkedYAMLError) -> str:
    if "\n<<<<<<< " in f"\n{text}":
        return "resolve the conflict first (of dvc.lock: take one side, then `mlgit run`)"
    if isinstance(error, DuplicateKey):
        return "rename or remove one of the two"
    return "replace the tab by spaces" if _is_tab(text, error) else ""
