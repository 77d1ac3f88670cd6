"""What is recorded of a version's metrics, and of the test data they were measured on: by its commit, else by its tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mlgit.registry.facts import DataFile, Facts
from mlgit.registry.tag_facts import Recorded


@dataclass(frozen=True, slots=True)
class RecordedMetrics:
    """Metrics of a version by dotted name, and the md5s of the test data they were measured on; none where one is not known.

    Metrics of further test sets are METRIC@SET, and `tests` has the md5s of their data by SET.
    """

    version: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    test: tuple[str, ...] = ()
    tests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of_test_set(self, name: str) -> RecordedMetrics:
        """What is known of one test set, its metrics under their plain names; '' stands for the main one."""
        if not name:
            return self
        known = {metric.removesuffix(f"@{name}"): each for metric, each in self.metrics.items() if metric.endswith(f"@{name}")}
        return RecordedMetrics(self.version, known, self.tests.get(name, ()))


def of(version: str, found: Facts | None, written: Recorded | None) -> RecordedMetrics:
    """As the version's commit says, else (where the files are not at hand) as its tag recorded."""
    metrics = dict(found.metrics) if found else {}
    test = digests(found.data) if found else ()
    tests = {each.name: digests(replace(one, test_set="") for one in each.test) for each in found.tests} if found else {}
    if written:
        metrics = {**(written.computed if metrics else written.values), **metrics}
        test = test or digests(written.data)
        sets = {each.test_set for each in written.data if each.test_set} - tests.keys()
        tests |= {name: digests(written.data, test_set=name) for name in sets}
    return RecordedMetrics(version, metrics, test, tests)


def digests(data: Iterable[DataFile], *, test_set: str = "") -> tuple[str, ...]:
    """What test data is compared by: the sorted md5s of its files; empty when one is not known."""
    found = sorted(each.md5 for each in data if each.role == "test" and each.test_set == test_set)
    return tuple(found) if all(found) else ()
