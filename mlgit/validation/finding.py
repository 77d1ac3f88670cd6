"""What became of each check of a contract, and of the contract as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mlgit.validation.contract import Contract, ContractCheck

ContractOutcome = Literal["pass", "warn", "fail", "invalid"]
# A failure stands, whatever could not be looked at.
_ORDER: tuple[ContractOutcome, ...] = ("fail", "invalid", "warn", "pass")


@dataclass(frozen=True, slots=True)
class BrokenCell:
    """A place where a check is broken: the line of a text file, or the row of another, from 1.

    `part` names the file in a folder; `value` is '' for one that is missing, and None for one that may not be shown;
    `rows` is how many have the same one.
    """

    place: int
    value: str | None
    part: str = ""
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check: `rows` break it, `value` is what its limit was held against.

    `share` is that of all rows; `reason` tells why a check could not be evaluated (`invalid`), which never counts as passed.
    """

    check: ContractCheck
    outcome: ContractOutcome
    rows: int | None = None
    value: float | None = None
    share: float | None = None
    samples: tuple[BrokenCell, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ContractResult:
    """A table held against its contract.

    `has_lines`: samples name lines, not rows; `undeclared` are columns that the contract does not name.
    """

    contract: Contract
    data: str
    rows: int
    findings: tuple[Finding, ...]
    undeclared: tuple[str, ...] = ()
    has_lines: bool = False

    @property
    def outcome(self) -> ContractOutcome:
        """The worst of all checks; `invalid` where there is none, for nothing was looked at."""
        return worst(each.outcome for each in self.findings)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Those that did not pass."""
        return tuple(each for each in self.findings if each.outcome != "pass")


def worst(outcomes: Iterable[ContractOutcome]) -> ContractOutcome:
    """The worst of several outcomes; `invalid` for none."""
    found = set(outcomes)
    return next((each for each in _ORDER if each in found), "invalid")
