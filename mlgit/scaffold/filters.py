"""How an answer enters a file so that no answer can break it: the filters templates may use."""

from __future__ import annotations

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Callable

from mlgit.render.markdown import markdown_text
from mlgit.render.yaml_text import key, quoted


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
