"""What a use case says while it works, to whoever wants to hear it."""

from __future__ import annotations

from collections.abc import Callable

Note = Callable[[str], None]


def unheard(text: str) -> None:
    """Takes a note that nobody wants to hear."""
