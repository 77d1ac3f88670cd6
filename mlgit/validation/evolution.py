"""What became of a contract: which rules tighten, which loosen, whom that breaks, and whether its version says so.

Rules are compared by what they let pass, not by how they are written. A consumer relies on what is promised, so what loosens
breaks it; a producer's data has passed so far, so what tightens does. Values of classified columns are never told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlgit.validation import check_changes
from mlgit.validation.check_changes import ContractChange
from mlgit.validation.contract import Contract, ContractCheck, ContractColumn
from mlgit.validation.directions import Direction, of_types
from mlgit.validation.versions import STEPS, Step, next_version, raised

View = Literal["consumer", "producer"]
VIEWS: tuple[View, ...] = ("consumer", "producer")
State = Literal["added", "removed", "kept", "unreadable"]

_BREAKING: dict[View, tuple[Direction, ...]] = {"consumer": ("loosens", "both"), "producer": ("tightens", "both")}


def breaks(change: ContractChange, view: View) -> bool:
    """Whether a change breaks those who see the contract from this side."""
    return change.direction in _BREAKING[view]


@dataclass(frozen=True, slots=True)
class Evolution:
    """The contract of one file of data on both sides; `trouble` is why it could not be read on one of them.

    `contract` is the file, that of the base where the head has none. `kept` says whether the head's data keeps the head's
    contract, '' where that was not looked at; `because` says more.
    """

    path: str
    contract: str
    state: State = "kept"
    version_before: str = ""
    version_now: str = ""
    changes: tuple[ContractChange, ...] = ()
    trouble: str = ""
    hint: str = ""
    kept: Literal["pass", "warn", "fail", "invalid", ""] = ""
    because: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.changes or self.trouble or self.kept)

    def breaking(self, view: View) -> tuple[ContractChange, ...]:
        """The changes that break a side."""
        return tuple(each for each in self.changes if breaks(each, view))

    def needed(self, view: View) -> Step:
        """The step by which the version has to be raised; a contract that is new or gone has none to raise."""
        if self.state != "kept" or not self.changes:
            return "none"
        if self.breaking(view):
            return "major"
        return "minor" if any(each.direction != "untested" for each in self.changes) else "patch"

    @property
    def raised(self) -> Step | None:
        """The step by which it was raised; None where versions are no numbers, so that nobody can tell."""
        return raised(self.version_before, self.version_now)

    def is_raised(self, view: View) -> bool:
        """Whether the version was raised as much as the changes ask."""
        needed, found = self.needed(view), self.raised
        return needed == "none" or (found is not None and STEPS.index(found) >= STEPS.index(needed))

    def version_told(self, view: View) -> str:
        """What is wrong with the version, '' where nothing is."""
        if self.is_raised(view):
            return ""
        needed = self.needed(view)
        wanted = next_version(self.version_before, needed)
        if self.raised is None or not wanted:
            both = f"'{self.version_before}' and '{self.version_now}'"
            return f"versions {both} are not MAJOR.MINOR.PATCH, so they do not say that this is a {needed} change"
        why = f"this breaks {view}s" if needed == "major" else f"this is a {needed} change"
        is_same = self.version_before == self.version_now
        moved = f"is still {self.version_now}" if is_same else f"{self.version_before} became {self.version_now}"
        return f"version {moved}, and {why}: it has to be {wanted} or later"

    def document(self, view: View) -> dict[str, object]:
        """As JSON."""
        return {
            "path": self.path,
            "contract": self.contract,
            "state": self.state,
            "version_before": self.version_before or None,
            "version_now": self.version_now or None,
            "needed": self.needed(view),
            "raised": self.raised if self.state == "kept" else "none",
            "is_raised": self.is_raised(view),
            "breaking": bool(self.breaking(view)),
            "changes": [_change(each, view) for each in self.changes],
            "data": self.kept or None,
            "reason": self.trouble or self.because,
        }


def _change(each: ContractChange, view: View) -> dict[str, object]:
    return {
        "path": each.path,
        "old": each.old or None,
        "new": each.new or None,
        "direction": each.direction,
        "breaking": breaks(each, view),
        "sentence": each.sentence,
    }


def added(path: str, new: Contract) -> Evolution:
    """A file of data that had no contract."""
    change = ContractChange(path, "", new.name, "tightens", f"{path} has a contract now: {new.name}")
    return Evolution(path, new.name, "added", version_now=new.version, changes=(change,))


def removed(path: str, old: Contract) -> Evolution:
    """A file of data that has no contract any more."""
    change = ContractChange(path, old.name, "", "loosens", f"{path} has no contract any more: it had {old.name}")
    return Evolution(path, old.name, "removed", version_before=old.version, changes=(change,))


def evolved(path: str, old: Contract, new: Contract, *, prose: Iterable[ContractChange] = ()) -> Evolution:
    """One that is on both sides; `prose` are changes that no check sees."""
    changes = (*compare(old, new), *prose)
    return Evolution(path, new.name, "kept", old.version, new.version, changes)


def compare(old: Contract, new: Contract) -> tuple[ContractChange, ...]:
    """Everything that differs in what two contracts ask, column by column in the order of the new one."""
    moved = _renamed(old, new)
    before = {_moved(each.path, moved): each for each in old.columns}
    now = {each.path: each for each in new.columns}
    gone = {path for path in before if path not in now}
    fresh = {path for path in now if path not in before}
    checks = check_changes.compare(
        [_check_moved(each, moved) for each in old.checks],
        new.checks,
        sides=(old.as_private_as(new), new.as_private_as(old)),
        whole=gone | fresh,
        types={path: each.type for path, each in now.items()},
    )
    found = [*_columns(before, now, moved), *checks]
    order = {path: index for index, path in enumerate((*now, *gone))}
    return tuple(sorted(found, key=lambda each: order.get(each.column, -1)))


def _columns(
    before: Mapping[str, ContractColumn], now: Mapping[str, ContractColumn], moved: Mapping[str, str]
) -> Iterator[ContractChange]:
    """Columns that came or went, and of the others their types and what no check sees."""
    for path, column in now.items():
        old = before.get(path)
        if old is None:
            if not _lies_in(path, (each for each in now if each not in before)):
                yield ContractChange(path, "", _told(column), "tightens", f"column {path} is new", path)
            continue
        if old.path in moved:
            yield ContractChange(
                f"{path}.physicalName", old.path, path, "both", f"column {old.path} is called {path} in the data", path
            )
        yield from _described(path, old, column)
    for path, column in before.items():
        if path not in now and not _lies_in(path, (each for each in before if each not in now)):
            yield ContractChange(path, _told(column), "", "loosens", f"column {path} is gone", path)


def _described(path: str, old: ContractColumn, new: ContractColumn) -> Iterator[ContractChange]:
    kinds = (("logicalType", old.type, new.type), ("physicalType", old.physical_type, new.physical_type))
    for key, before, now in kinds:
        if before != now:
            direction = of_types(before, now) if key == "logicalType" else _of_texts(before, now)
            yield ContractChange(f"{path}.{key}", before, now, direction, f"{path}: {key} {_step(before, now)}", path)
    others = (
        ("classification", old.classification, new.classification),
        ("absentAtServing", old.is_absent_at_serving, new.is_absent_at_serving),
        ("primaryKey", old.is_key, new.is_key),
    )
    for key, first, last in others:
        if first != last:
            texts = _text(first), _text(last)
            yield ContractChange(f"{path}.{key}", *texts, "untested", f"{path}: {key} {_step(*texts)}", path)


def _of_texts(before: str, now: str) -> Direction:
    return "both" if before and now else "tightens" if now else "loosens"


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _step(before: str, now: str) -> str:
    return f"{before} became {now}" if before and now else f"is {now} now" if now else f"is {before} no longer"


def _told(column: ContractColumn) -> str:
    return column.type or "any type"


def _lies_in(path: str, others: Iterable[str]) -> bool:
    """Whether a column lies in one that came or went as a whole."""
    return any(path.startswith((f"{each}.", f"{each}[")) for each in others)


def _renamed(old: Contract, new: Contract) -> dict[str, str]:
    """The columns that have the same name in the contract and another in the data: the old one -> the new one."""
    before, now = {each.path for each in old.columns}, {each.path for each in new.columns}
    names = {each.name: each.path for each in new.columns if each.path not in before}
    moved = {each.path: names[each.name] for each in old.columns if each.path not in now and each.name in names}
    # what lies in a column that is called otherwise moves with it
    return {path: to for path, to in moved.items() if not _moves_along(path, to, moved)}


def _moves_along(path: str, to: str, moved: Mapping[str, str]) -> bool:
    return any(_lies_in(path, [each]) and _moved(path, {each: moved[each]}) == to for each in moved)


def _moved(path: str, moved: Mapping[str, str]) -> str:
    for old in sorted(moved, key=len, reverse=True):
        if path == old or _lies_in(path, [old]):
            return moved[old] + path[len(old) :]
    return path


def _check_moved(check: ContractCheck, moved: Mapping[str, str]) -> ContractCheck:
    """A rule under the names that its columns have now."""
    columns = tuple(_moved(path, moved) for path in check.columns)
    name = check.id
    if columns and name.startswith(f"{check.columns[0]}."):
        name = columns[0] + name[len(check.columns[0]) :]
    return replace(check, id=name, columns=columns)
