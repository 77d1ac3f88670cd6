"""The log of published events, `refs/mlgit/log`: a chain of commits without files, each naming tags with their object ids.

It makes a race visible to Git: whoever publishes has to move the log forward from where it is, and is refused else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

REF = "refs/mlgit/log"
_ROW = re.compile(r"(\S+) ([0-9a-f]{40}|[0-9a-f]{64})")


def format(rows: Iterable[tuple[str, str]]) -> str:  # noqa: A001 - the inverse of `parse`
    """The message of a log commit: one line `TAG OID` for every tag."""
    return "".join(f"{ref} {oid}\n" for ref, oid in rows)


def parse(messages: Iterable[str]) -> list[tuple[str, str]]:
    """The tags that commit messages name, in their order; lines that are none are passed over."""
    found = (_ROW.fullmatch(line.strip()) for message in messages for line in message.split("\n"))
    return [(row[1], row[2]) for row in found if row]
