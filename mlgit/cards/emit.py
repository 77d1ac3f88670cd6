"""Plain values as YAML that every reader understands alike: YAML 1.1 and 1.2, and Hugging Face's front matter."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

# Words that no reader takes for anything but text, and that need no quotes.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*[A-Za-z0-9_]")
_NOT_TEXT = {"true", "false", "yes", "no", "on", "off", "null", "nan", "inf", "infinity"}


def yaml_text(value: Mapping[str, Any]) -> str:
    """A mapping of texts, numbers, lists and mappings as block YAML, in the order given; empty values are left out."""
    return "\n".join(_mapping(value)) + "\n"


def _mapping(value: Mapping[str, Any]) -> list[str]:
    rows: list[str] = []
    for key, inner in value.items():
        if _is_empty(inner):
            continue
        if isinstance(inner, Mapping):
            rows += [f"{_scalar(key)}:", *(f"  {row}" for row in _mapping(inner))]
        elif isinstance(inner, Sequence) and not isinstance(inner, str):
            rows += [f"{_scalar(key)}:", *_sequence(inner)]
        else:
            rows.append(f"{_scalar(key)}: {_scalar(inner)}")
    return rows


def _sequence(value: Sequence[Any]) -> list[str]:
    rows: list[str] = []
    for inner in value:
        if isinstance(inner, Mapping):
            first, *rest = _mapping(inner)
            rows += [f"- {first}", *(f"  {row}" for row in rest)]
        else:
            rows.append(f"- {_scalar(inner)}")
    return rows


def _is_empty(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_empty, value.values()))
    return value is None or value == "" or (isinstance(value, Sequence) and len(value) == 0)


def _scalar(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return number(value)
        case _:
            return _text(str(value))


def number(value: float) -> str:
    """A number with six significant digits that YAML 1.1 does not take for text."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else (".inf" if value > 0 else "-.inf")
    shown = f"{value:.6g}"
    mantissa, e, exponent = shown.partition("e")
    return shown if "." in mantissa or not e else f"{mantissa}.0e{exponent}"


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return "".join(_char(char) for char in json.dumps(text, ensure_ascii=False))


def _char(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
