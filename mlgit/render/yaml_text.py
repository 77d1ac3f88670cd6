"""Names and values as YAML in one line, read back as what they are by every reader of YAML 1.1 and 1.2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

# What YAML, TOML, JSON or Python would not take as it is between double quotes: control characters, separators that
# some of them read as line ends, the byte order mark and non-characters; and the quote and the backslash themselves.
_UNSAFE = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')
# What YAML takes for text without quotes, in 1.1 as in 1.2: words of truth and nothing, and numbers, are not among them.
_PLAIN = re.compile(r"(?!(?:true|false|yes|no|on|off|y|n|null)$)[A-Za-z_][\w./-]*", re.IGNORECASE | re.ASCII)


def quoted(text: str) -> str:
    """Text between double quotes, escaped so that YAML, TOML, JSON and Python all read the same text back."""
    return '"' + _UNSAFE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return f"\\{char}" if char in '"\\' else f"\\u{ord(char):04x}"


def key(text: str) -> str:
    """A name as a key or value of YAML, between quotes only where it needs them."""
    return text if _PLAIN.fullmatch(text) else quoted(text)


def flow(value: Any) -> str:
    """A value in one line: `{name: id, values: [a, "1"]}`."""
    if isinstance(value, str):
        return key(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key(str(name))}: {flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    return json.dumps(value)
