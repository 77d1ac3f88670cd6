"""What is recorded of a version's metrics, and of the test data they were measured on: by its commit, else by its tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlgit.registry.facts import DataFile, Facts
from mlgit.registry.tag_facts import Recorded


@dataclass(frozen=True, slots=True)
class RecordedMetrics:
    """Metrics of a version by dotted name, and the md5s of the test data they were measured on; none where one is not known."""

    version: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    test: tuple[str, ...] = ()


def of(version: str, found: Facts | None, written: Recorded | None) -> RecordedMetrics:
    """As the version's commit says, else (where the files are not at hand) as its tag recorded."""
    metrics = dict(found.metrics) if found else {}
    test = digests(found.data) if found else ()
    if written and not metrics:
        metrics = {name: float(row["value"]) for name, row in written.metrics.items() if _is_number(row.get("value"))}
    if written and not test:
        test = digests(written.data)
    return RecordedMetrics(version, metrics, test)


def digests(data: Iterable[DataFile]) -> tuple[str, ...]:
    """What test data is compared by: the sorted md5s of its files; empty when one is not known."""
    found = sorted(each.md5 for each in data if each.role == "test")
    return tuple(found) if all(found) else ()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
