"""Two snapshots -> everything that differs between them, and what is the same."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mlgit.config import Config
from mlgit.metric_settings import Direction
from mlgit.revision.recorded_paths import matching
from mlgit.revision.snapshot import Data, DataKind, Snapshot, StageSnapshot
from mlgit.revision.values import Value
from mlgit.tables import formats

if TYPE_CHECKING:
    # with the statistics behind it, it takes longer to import than most comparisons take
    from mlgit.evaluation.results import Flips, Leakage, MetricResult, TestedRows
    from mlgit.tables.drift import TableDrift
    from mlgit.validation.evolution import Evolution

Change = Literal["added", "removed", "changed", "same", "unknown"]
Trend = Literal["better", "worse", "same", "added", "removed", "unknown-direction", "changed", "unknown"]
StepKind = Literal["command", "dependency", "parameter", "output"]

_MISSING = object()


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One metric on both sides; None is not there. `changed` is a difference of what is not a number (texts, NaN), and
    `unknown` where the file of the other side could not be read.
    """

    file: str
    name: str
    base: Value | None
    head: Value | None
    delta: float | None
    direction: Direction | None
    verdict: Trend


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """One parameter on both sides; `change` says whether None is a value or stands for nothing."""

    file: str
    key: str
    change: Change
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class DataChange:
    """One file or folder on both sides; `unknown` where the content of a side is not recorded."""

    path: str
    kind: DataKind
    change: Change
    old: Data | None
    new: Data | None

    @property
    def files(self) -> dict[str, int] | None:
        """How many files of a folder were added, removed and changed; None where a side was not looked into."""
        old, new = (each.members if each else None for each in (self.old, self.new))
        if old is None or new is None:
            return None
        both = old.keys() & new.keys()
        changed = sum(old[name] != new[name] for name in both)
        return {"added": len(new) - len(both), "removed": len(old) - len(both), "changed": changed}

    @property
    def columns_added(self) -> tuple[str, ...]:
        return _without(_columns(self.new), _columns(self.old)) if self._are_tables else ()

    @property
    def columns_removed(self) -> tuple[str, ...]:
        return _without(_columns(self.old), _columns(self.new)) if self._are_tables else ()

    @property
    def _are_tables(self) -> bool:
        return bool(self.old and self.old.shape and self.new and self.new.shape)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs in a stage: the command (with its texts), or the dependency, parameter or output `name`."""

    kind: StepKind
    change: Change
    name: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class StageChange:
    """One stage on both sides, and in what it differs."""

    address: str
    change: Change
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """Both sides and every row of the comparison, those that are the same too.

    `turned` are metrics whose direction the head declares otherwise than the base. `tables` tells more of data that differs.
    `tested`, `measured` and `rows` are what the predictions of both sides say, row by row, of each model;
    `leakage`, which of its test rows the head has in the training data; `contracts`, what became of those of its data.
    """

    base: Snapshot
    head: Snapshot
    metrics: tuple[MetricChange, ...]
    parameters: tuple[ParameterChange, ...]
    data: tuple[DataChange, ...]
    stages: tuple[StageChange, ...]
    turned: tuple[str, ...] = ()
    tables: tuple[TableDrift, ...] = ()
    tested: tuple[TestedRows, ...] = ()
    measured: tuple[MetricResult, ...] = ()
    rows: tuple[Flips, ...] = ()
    leakage: tuple[Leakage, ...] = ()
    contracts: tuple[Evolution, ...] = ()

    @property
    def compared(self) -> dict[str, int]:
        """How many things of each kind were on both sides, so that they could be compared."""
        return {
            "metrics": sum(row.verdict not in ("added", "removed", "unknown") for row in self.metrics),
            "parameters": _on_both_sides(self.parameters),
            "data": _on_both_sides(self.data),
            "stages": _on_both_sides(self.stages),
        }

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs; also true when nothing could be compared."""
        changes = [row.change for rows in (self.parameters, self.data, self.stages) for row in rows]
        is_same = all(row.verdict == "same" for row in self.metrics) and all(change == "same" for change in changes)
        return is_same and not any(each.is_changed for each in self.contracts)

    def measure(self, row: MetricChange) -> MetricResult | None:
        """What rows say of a metric: that of the model whose metrics file it stands in."""
        models = {
            model.name for side in (self.head, self.base) for model in side.config.models.values() if model.metrics == row.file
        }
        return next((each for each in self.measured if each.metric == row.name and each.model in models), None)

    @property
    def measured_only(self) -> tuple[MetricResult, ...]:
        """What rows say of metrics that stand in no metrics file: of other test sets, of columns, KPIs."""
        recorded = {(found.model, found.metric) for row in self.metrics if (found := self.measure(row)) is not None}
        return tuple(each for each in self.measured if (each.model, each.metric) not in recorded)

    @property
    def has_other_rows(self) -> bool:
        """Whether predictions that a model declares differ, so that they can be compared row by row."""
        files = {row.path for row in self.data if row.change in ("changed", "unknown")}
        files |= {row.file for row in self.metrics if row.verdict not in ("same", "added", "removed", "unknown")}
        declared_models = self.head.config.models.values()
        models = [each for model in declared_models for each in (model, *model.tests) if each.predictions]
        declared = (posixpath.normpath(path) for each in models for path in (*each.declared_predictions, each.metrics) if path)
        return any(matching(files, path) for path in declared)

    @property
    def changed_tables(self) -> dict[str, int]:
        """The tables that are on both sides and differ, with the bytes of both; of data, and of what stages read.

        Metrics and plots are results, and told elsewhere.
        """
        found = {row.path: (row.old, row.new) for row in self.data if row.change == "changed" and row.kind in ("data", "out")}
        sizes = {path: sum(each.digest.size for each in both if each and each.digest) for path, both in found.items()}
        known = {row.path for row in self.data} | self.base.metrics.keys() | self.head.metrics.keys()
        for stage in self.stages:
            for each in stage.differences:
                if each.kind == "dependency" and each.change == "changed" and each.name not in known:
                    digests = (side.stages[stage.address].deps.get(each.name) for side in (self.base, self.head))
                    sizes[each.name] = sum(digest.size for digest in digests if digest)
        return {path: size for path, size in sizes.items() if self._is_table(path)}

    def _is_table(self, path: str) -> bool:
        """Whether a path is a table; of the documents in JSON, only those of which the rows are known are tables."""
        table = formats.of(path)
        if table is None or table.name != "json":
            return table is not None
        sides = (self.base.data.get(path), self.head.data.get(path))
        return all(each is not None and each.shape is not None for each in sides)

    @property
    def undeclared(self) -> tuple[str, ...]:
        """The metrics that differ and have no direction, by name."""
        return tuple(dict.fromkeys(row.name for row in self.metrics if row.verdict == "unknown-direction"))


def compare(base: Snapshot, head: Snapshot, *, config: Config) -> Diff:
    """Everything of both snapshots, row by row, in the order of the head; `config` says which way metrics are better."""
    metrics = tuple(_metrics(base, head, config))
    names = dict.fromkeys(row.name for row in metrics)
    return Diff(
        base=base,
        head=head,
        metrics=metrics,
        parameters=tuple(_parameters(base, head)),
        data=tuple(_data(base, head)),
        stages=tuple(_stages(base, head)),
        turned=tuple(name for name in names if _is_turned(base.config.direction(name), config.direction(name))),
    )


def _is_turned(before: Direction | None, now: Direction | None) -> bool:
    return before is not None and before != now


def _metrics(base: Snapshot, head: Snapshot, config: Config) -> Iterable[MetricChange]:
    for file in _union(head.metrics, base.metrics):
        before, now = ({} if file in side.unread else side.metrics.get(file, {}) for side in (base, head))
        is_unread = file in base.unread or file in head.unread  # neither new nor gone; a note tells why
        for name in _union(now, before):
            row = _metric(file, name, before.get(name), now.get(name), config.direction(name))
            yield replace(row, verdict="unknown") if is_unread else row


def _metric(file: str, name: str, old: Value | None, new: Value | None, direction: Direction | None) -> MetricChange:
    return MetricChange(file, name, old, new, _delta(old, new), direction, _trend(old, new, direction))


def _trend(old: Value | None, new: Value | None, direction: Direction | None) -> Trend:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if equal(old, new):
        return "same"
    if not _is_number(old) or not _is_number(new):
        return "changed"
    if direction is None:
        return "unknown-direction"
    return "better" if (new > old) == (direction == "higher") else "worse"  # type: ignore[operator]


def _is_number(value: Value | None) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _delta(old: Value | None, new: Value | None) -> float | None:
    if not _is_number(old) or not _is_number(new):
        return None
    try:
        return 0 if old == new else new - old  # type: ignore[operator]
    except OverflowError:
        return None  # a whole number beyond the range of the other side's float


def equal(old: Any, new: Any) -> bool:
    """Whether two settled values are the same: 1 and 1.0 are, NaN is itself, true is not 1."""
    if isinstance(old, bool) is not isinstance(new, bool):
        return False
    return bool(old == new) or repr(old) == repr(new)


def _parameters(base: Snapshot, head: Snapshot) -> Iterable[ParameterChange]:
    for file in _union(head.parameters, base.parameters):
        if file in base.unread or file in head.unread:
            continue
        before, now = base.parameters.get(file, {}), head.parameters.get(file, {})
        for key in _union(now, before):
            change = _changed(before.get(key, _MISSING), now.get(key, _MISSING))
            yield ParameterChange(file, key, change, before.get(key), now.get(key))


def _changed(old: Any, new: Any) -> Change:
    if old is _MISSING:
        return "added"
    if new is _MISSING:
        return "removed"
    return "same" if equal(old, new) else "changed"


def _data(base: Snapshot, head: Snapshot) -> Iterable[DataChange]:
    by_value = base.metrics.keys() | head.metrics.keys()
    for path in _union(head.data, base.data):
        old, new = base.data.get(path), head.data.get(path)
        either = new or old
        if path not in by_value and either is not None:
            yield DataChange(path, either.kind, _content_change(old, new), old, new)


def _content_change(old: Data | None, new: Data | None) -> Change:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if old.digest is None or new.digest is None:
        return "unknown"
    return "same" if old.digest.md5 == new.digest.md5 else "changed"


def _stages(base: Snapshot, head: Snapshot) -> Iterable[StageChange]:
    for address in _union(head.stages, base.stages):
        old, new = base.stages.get(address), head.stages.get(address)
        if old is None or new is None:
            yield StageChange(address, "added" if old is None else "removed")
            continue
        found = tuple(_differences(old, new, base.data, head.data))
        yield StageChange(address, "changed" if found else "same", found)


def _differences(
    old: StageSnapshot, new: StageSnapshot, data_before: Mapping[str, Data], data_now: Mapping[str, Data]
) -> Iterable[Difference]:
    if old.cmd != new.cmd:
        yield Difference("command", "changed", old=command_text(old), new=command_text(new))
    for name in _union(new.deps, old.deps):
        yield from _difference("dependency", name, old.deps, new.deps)
    for name in _union(new.params, old.params):
        change = _changed(old.params.get(name, _MISSING), new.params.get(name, _MISSING))
        if change != "same":
            yield Difference("parameter", change, name)
    outs_before = {path: data_before[path].digest if path in data_before else None for path in old.outs}
    outs_now = {path: data_now[path].digest if path in data_now else None for path in new.outs}
    for name in _union(outs_now, outs_before):
        yield from _difference("output", name, outs_before, outs_now)


def _difference(kind: StepKind, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[Difference]:
    if name not in old or name not in new:
        yield Difference(kind, "removed" if name in old else "added", name)
    elif old[name] is not None and new[name] is not None and old[name].md5 != new[name].md5:
        yield Difference(kind, "changed", name)


def command_text(step: StageSnapshot) -> str:
    """A stage's command as one text, the items of a list on lines of their own."""
    return step.cmd if isinstance(step.cmd, str) else "\n".join(step.cmd)


def _on_both_sides(rows: Iterable[ParameterChange | DataChange | StageChange]) -> int:
    return sum(row.change in ("changed", "same") for row in rows)


def _union(first: Iterable[str], second: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys([*first, *second])


def _columns(data: Data | None) -> tuple[str, ...]:
    return data.shape.columns if data and data.shape else ()


def _without(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in set(others))
