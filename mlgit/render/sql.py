"""Names and texts as SQL writes them."""

from __future__ import annotations


def literal(value: str) -> str:
    """A text in quotes."""
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name in quotes, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
