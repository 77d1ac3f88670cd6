"""Which tests `make test` leaves to `make test-full`: stories that faster tests tell in parts, and cases beyond a sample.

Of a slow test with many cases a share is drawn, at least two, by a digest of its name and of `MLGIT_TEST_SEED`: the same on
every machine, and others with another seed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

SHARE = 3
_AT_LEAST = 2


def sample(names: Iterable[str], *, seed: str = "") -> set[str]:
    """Of the names of cases (`FILE::TEST[CASE]`) those that are drawn: of each test a third, at least two."""
    cases: dict[str, list[str]] = defaultdict(list)
    for name in names:
        cases[name.partition("[")[0]].append(name)
    drawn: set[str] = set()
    for listed in cases.values():
        number = max(_AT_LEAST, -(-len(listed) // SHARE))
        drawn.update(sorted(listed, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())[:number])
    return drawn
