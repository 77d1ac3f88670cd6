"""YAML texts that differ in plain values only, as the parameters of many trials do: read by what they have in common.

Parsing takes a hundred times as long as a look at the places where such a text may differ. Whatever differs elsewhere, or in
a value that could mean more than itself (quotes, lists, anchors), is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from mlgit.adapters.formats import spans, yaml12
from mlgit.adapters.formats.spans import Span
from mlgit.errors import MlgitError

_PLAIN = r"[-+]?\.?[0-9][0-9A-Za-z_.+-]*|[A-Za-z_][A-Za-z0-9_.-]*"
_PLAIN_VALUE = re.compile(_PLAIN)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,20}")
# What may make one value another's, or of another type.
_MEANING = re.compile(r"[&*!\t\r]|^%|^---|^\.\.\.|<<", re.MULTILINE)
_LONGEST = 1 << 16
_MOST = 2_000


class AlikeTexts:
    """Reads texts that are like one that was parsed, by dotted names; `names` are those of its plain values."""

    def __init__(self, text: str) -> None:
        """A text that the parser takes. Where nothing can be made of it, no other is like it."""
        self.names: tuple[str, ...] = ()
        self._pattern: re.Pattern[str] | None = None
        self._known: dict[str, Any] = {}
        if len(text) > _LONGEST or _MEANING.search(text):
            return
        try:
            found = sorted(_plain_values(spans.of_yaml(text), text))
        except (MlgitError, yaml.YAMLError, RecursionError):
            return
        names = tuple(name for _, _, name in found)
        if not 0 < len(set(names)) == len(names) <= _MOST:
            return
        parts, position = [], 0
        for start, end, _ in found:
            parts += [re.escape(text[position:start]), f"({_PLAIN})"]
            position = end
        self._pattern = re.compile("".join([*parts, re.escape(text[position:])]))
        self.names = names

    def values(self, text: str) -> dict[str, Any] | None:
        """The plain values of a text by name; None where it is not like the first one."""
        match = self._pattern.fullmatch(text) if self._pattern else None
        return dict(zip(self.names, map(self._value, match.groups()), strict=True)) if match else None

    def _value(self, text: str) -> Any:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FRACTION.fullmatch(text):
            return float(text)
        if text not in self._known:
            self._known[text] = yaml12.parse(text, name="")
        return self._known[text]


def _plain_values(span: Span, text: str, name: str = "") -> Iterator[tuple[int, int, str]]:
    """Where the plain values in nested mappings stand, and their dotted names."""
    if span.kind == "mapping":
        for item in span.items:
            yield from _plain_values(item.span, text, f"{name}.{item.name}" if name else item.name)
    elif span.kind == "value" and name and _PLAIN_VALUE.fullmatch(text, span.start, span.end):
        yield span.start, span.end, name
