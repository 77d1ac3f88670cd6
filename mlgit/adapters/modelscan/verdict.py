"""What is said of a model's file."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Verdict:
    """A format, why loading the file may run code (without findings it cannot), and the loader for which that holds.

    Of a file of skops, `types` are those of the objects that it makes, and `unknown` are findings too: types on no list.
    """

    format: str
    findings: list[str] = field(default_factory=list)
    loader: str = ""
    types: set[str] = field(default_factory=set)
    unknown: dict[str, None] = field(default_factory=dict)
