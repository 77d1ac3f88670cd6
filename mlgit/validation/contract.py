"""A data contract: the columns that a table must have, and the checks that it must pass.

The form is the Open Data Contract Standard (https://bitol-io.github.io/open-data-contract-standard/), versions 3.0 to 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Severity = Literal["error", "warning"]
# What a check looks at. The first ones name rows, the rest one number of the whole table.
CheckKind = Literal[
    "present",
    "type",
    "required",
    "unique",
    "range",
    "length",
    "pattern",
    "format",
    "multiple",
    "values",
    "items",
    "missing",
    "duplicates",
    "rows",
    "query",
    "freshness",
]

_WORDS = {
    "mustBe": "{}",
    "mustNotBe": "not {}",
    "mustBeGreaterThan": "more than {}",
    "mustBeGreaterOrEqualTo": "at least {}",
    "mustBeLessThan": "fewer than {}",
    "mustBeLessOrEqualTo": "at most {}",
    "mustBeBetween": "between {} and {}, both excluded",
    "mustNotBeBetween": "not between {} and {}",
}
OPERATORS = tuple(_WORDS)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a number found in the data is held against, by one of the operators of the standard.

    `is_percent`: the number is a share of all rows, in percent.
    """

    operator: str = "mustBe"
    value: float = 0
    high: float | None = None
    is_percent: bool = False

    def holds(self, found: float) -> bool:
        """Whether a number passes; both ends of `mustBeBetween` are excluded, as the standard says."""
        high = self.value if self.high is None else self.high
        match self.operator:
            case "mustBe":
                return found == self.value
            case "mustNotBe":
                return found != self.value
            case "mustBeGreaterThan":
                return found > self.value
            case "mustBeGreaterOrEqualTo":
                return found >= self.value
            case "mustBeLessThan":
                return found < self.value
            case "mustBeLessOrEqualTo":
                return found <= self.value
            case "mustBeBetween":
                return self.value < found < high
            case _:
                return not self.value < found < high

    @property
    def told(self) -> str:
        """The limit in words: `at most 5 %`."""
        unit = " %" if self.is_percent else ""
        ends = [f"{each:,.10g}{unit}" for each in (self.value, self.high) if each is not None]
        return "none" if self == Limit() else _WORDS[self.operator].format(*ends)


NONE = Limit()


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """One rule of a contract.

    `columns` are the paths (`address.zip`, `tags[]` for what stands in a list) it looks at, none for the whole table;
    `condition` says in words what a value must be; `options` are what its kind needs (bounds, pattern, values, query);
    `limit` is what the number of rows that break it, or the number that it computes, is held against.
    """

    id: str
    kind: CheckKind
    columns: tuple[str, ...]
    condition: str
    options: Mapping[str, Any] = field(default_factory=dict)
    limit: Limit = NONE
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """A column as the contract describes it.

    `path` names it in the data (its physical name, after those of the columns it lies in), `name` in the contract; `type` is
    the logical type, '' where none is declared; `classification` other than '' and public keeps its values out of every output;
    `is_absent_at_serving`: a label, which a request cannot have.
    """

    path: str
    type: str = ""
    physical_type: str = ""
    is_required: bool = False
    is_unique: bool = False
    is_key: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[Any, ...] | None = None
    classification: str = ""
    is_absent_at_serving: bool = False
    name: str = ""

    @property
    def is_private(self) -> bool:
        """Whether its values may not be shown."""
        return self.classification.strip().lower() not in ("", "public")


@dataclass(frozen=True, slots=True)
class Contract:
    """The checked content of one contract, for one table (`table`: the name that its queries use).

    `private` are paths that another version of it classifies: their values may not be shown either. `before` are the contracts
    that the same data had.
    """

    name: str
    id: str
    version: str
    table: str
    status: str = ""
    columns: tuple[ContractColumn, ...] = ()
    checks: tuple[ContractCheck, ...] = ()
    private: tuple[str, ...] = ()
    before: tuple[Contract, ...] = ()
    _by_path: Mapping[str, ContractColumn] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_path", {each.path: each for each in self.columns})

    def column(self, path: str) -> ContractColumn | None:
        """The column with this path."""
        return self._by_path.get(path)

    def is_private(self, path: str) -> bool:
        """Whether values of this path may not be shown."""
        return _is_private(self.classified, path)

    @property
    def classified(self) -> tuple[str, ...]:
        """The paths whose values may not be shown."""
        return (*(each.path for each in self.columns if each.is_private), *self.private)

    @property
    def has_private(self) -> bool:
        """Whether any column is classified."""
        return bool(self.classified)

    def as_private_as(self, *others: Contract) -> Contract:
        """The same contract, hiding what any other version of it hides, whatever it says itself of these columns.

        A column that is called otherwise in the data is the same by its name in the contract.
        """
        hidden = dict.fromkeys(each for other in others for each in other.classified)
        names = {each.name.lower() for other in others for each in other.columns if each.is_private and each.name}
        hidden |= dict.fromkeys(each.path for each in self.columns if each.name.lower() in names)
        return replace(self, private=tuple(dict.fromkeys((*self.private, *hidden))))

    def seen_in(self, names: Iterable[str]) -> Contract:
        """The same contract, hiding also what may be a classified column by another name.

        `names` are the columns of the data. Where one that is classified is not among them, here or before, those that the same
        contract does not know may hold its values, or, in a table that lost its header, be its values.
        """
        lower = {each.lower(): each for each in names}
        hidden = dict.fromkeys(
            name
            for contract in (self, *self.before)
            if any(each.is_private and not _any_in(each.path.lower(), lower) for each in contract.columns)
            for key, name in lower.items()
            if not any(_is_in(each.path.lower(), key) for each in contract.columns)
        )
        return replace(self, private=tuple(dict.fromkeys((*self.private, *hidden)))) if hidden else self


def is_private(columns: Iterable[ContractColumn], path: str) -> bool:
    """Whether values of a path may not be shown: its own, or those of a column that it lies in or holds, are classified."""
    return _is_private((each.path for each in columns if each.is_private), path)


def _is_private(classified: Iterable[str], path: str) -> bool:
    # queries know no difference between Salary and salary
    path = path.lower()
    return any(_is_in(path, each.lower()) or _is_in(each.lower(), path) for each in classified)


def _any_in(path: str, names: Iterable[str]) -> bool:
    return any(_is_in(path, each) for each in names)


def _is_in(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))
