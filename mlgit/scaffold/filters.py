"""How an answer enters a file so that no answer can break it: the filters templates may use."""

from __future__ import annotations

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Callable

from mlgit.render.markdown import markdown_text

# What YAML, TOML, JSON or Python would not take as it is between double quotes: control characters, separators that
# some of them read as line ends, the byte order mark and non-characters; and the quote and the backslash themselves.
_UNSAFE = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')


def quoted(text: str) -> str:
    """Text between double quotes, escaped so that YAML, TOML, JSON and Python all read the same text back."""
    return '"' + _UNSAFE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return f"\\{char}" if char in '"\\' else f"\\u{ord(char):04x}"


def yaml(value: object) -> str:
    """An answer as YAML (and JSON, and TOML): quoted text, a number, true or false, a list of these."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(yaml(item) for item in value) + "]"
    return json.dumps(value)


def python(value: object) -> str:
    """An answer as a Python literal, in the quotes a formatter prefers."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(python(item) for item in value) + "]"
    return repr(value)


def identifier(text: str) -> str:
    """A name a Python package may have: ASCII, lower case, 40 characters, neither a keyword nor a standard module."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:31].rstrip("_") or "project"
    if not name[0].isalpha():
        name = f"project_{name}"
    taken = keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in sys.stdlib_module_names
    return f"{name}_project" if taken else name


def model_name(text: str) -> str:
    """A name that a model may have in dvc.yaml and in tags: ASCII letters, digits, hyphens and underscores, 60 at most."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-_")[:60].rstrip("-_") or "model"


# What YAML takes for text without quotes, in 1.1 as in 1.2: words of truth and nothing, and numbers, are not among them.
_PLAIN = re.compile(r"(?!(?:true|false|yes|no|on|off|y|n|null)$)[A-Za-z_][\w./-]*", re.IGNORECASE | re.ASCII)


def key(text: str) -> str:
    """A name as a key or value of YAML, between quotes only where it needs them."""
    return text if _PLAIN.fullmatch(text) else quoted(text)


FILTERS: dict[str, Callable[[str], str] | Callable[[object], str]] = {
    "yaml": yaml,
    "toml": yaml,
    "json": yaml,
    "python": python,
    "markdown": markdown_text,
    "identifier": identifier,
    "model_name": model_name,
    "key": key,
}
