"""Holds the data of a revision against contracts, for rules and for what a diff tells."""

from __future__ import annotations

import datetime
import posixpath
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from mlgit.commands import contract_changes
from mlgit.commands.data_paths import refuse_outside
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.gate.contract_rules import ContractEvidence, HeldData
from mlgit.render.text import count
from mlgit.revision import data_files
from mlgit.revision.revision import Revision
from mlgit.validation import table as words
from mlgit.validation.contract import Contract
from mlgit.validation.evolution import Evolution
from mlgit.validation.finding import ContractResult, Finding

_MOST = 3
# About as much as a diff reads of other tables.
_MOST_BYTES = 256 << 20


def held(now: Revision, path: str, contract: Contract) -> HeldData:
    """Whether the data of a revision keeps a contract; looked at once.

    How old the newest row is counts for the workspace only: a commit never gets younger.
    """
    key = ("held", path, contract.name, contract.private, tuple(each.name for each in contract.before))
    found: HeldData = now.once(key, lambda: _held(now, path, contract))
    return found


def _held(now: Revision, path: str, contract: Contract) -> HeldData:
    from mlgit.validation import judge, source  # only where data is looked at

    clock = None if now.commit else datetime.datetime.now(datetime.UTC)
    name = f"{contract.name} (v{contract.version})"
    try:
        if not now.commit:  # what links lead to has not been looked at by anybody
            refuse_outside(now.project, path)
        with data_files.placed(now, path) as files:
            parts = source.parts_below(files, name=path)
            judge.refuse_without_checks(contract)
            result = judge.judge(contract, parts, data=path, now=clock)
    except MlgitError as error:
        return HeldData(name, "invalid", error.message, error.hint)
    counts_rows = any(each.kind == "rows" for each in contract.checks)
    if not result.rows and not counts_rows and result.outcome in ("pass", "warn"):
        hint = "a rowCount in the contract says how many there may be"
        return HeldData(name, "invalid", f"{path}: no rows, so nothing was compared", hint)
    return HeldData(name, result.outcome, _told(result), f"`mlgit data check {path}` names the rows")


def _told(result: ContractResult) -> str:
    """The rules that are broken, and where; of a classified column no values."""
    wanted = [each for each in result.broken if each.outcome == result.outcome]
    said = [_finding(each, result.contract, has_lines=result.has_lines) for each in wanted[:_MOST]]
    return "; ".join([*said, count(len(wanted) - _MOST, "more rule")] if len(wanted) > _MOST else said)


def _finding(found: Finding, contract: Contract, *, has_lines: bool) -> str:
    """The rule, how many rows break it, and the first of them."""
    check = found.check
    is_private = any(contract.is_private(path) for path in check.columns)
    asked = check.kind if is_private or check.kind == "query" else check.condition
    named = check.id if check.kind == "query" else f"{', '.join(check.columns) or 'the table'}: {asked}"
    if found.outcome == "invalid":
        # what a database says of a query can hold a value that it met
        is_told = check.kind != "query" or not contract.has_private
        return f"{named}: {found.reason if is_told else 'it could not be evaluated'}"
    first = replace(found, samples=found.samples[: 2 if check.kind in ("unique", "duplicates") else 1])
    seen = [count(found.rows, "row") if found.rows else "", words.such_as(first, has_lines=has_lines)]
    shown = ", ".join(each for each in seen if each)
    return f"{named} ({shown})" if shown else named


def of_diff(before: Revision, now: Revision) -> tuple[Evolution, ...]:
    """What became of every contract, and, where it or its data differs, whether the data keeps it."""
    return tuple(_with_data(before, now, each) for each in contract_changes.evolutions(before, now))


def _with_data(before: Revision, now: Revision, found: Evolution) -> Evolution:
    if found.trouble or found.state == "removed":
        return found
    old, new = before.digest_or_none(found.path), now.digest_or_none(found.path)
    if not found.changes and old is not None and new is not None and old.md5 == new.md5:
        return found
    if new is not None and new.size > _MOST_BYTES:
        why = f"larger than {_MOST_BYTES >> 20} MiB: `mlgit data check {found.path}` looks at it"
        return replace(found, kept="invalid", because=why)
    read = contract_changes.read(now, found.path)
    assert read
    seen = held(
        now, found.path, _succeeding(read.contract, _earlier(before, now, found.path), _of_the_same(before, found.path))
    )
    return replace(found, kept=seen.outcome, because=seen.told)


def _earlier(before: Revision, now: Revision, path: str) -> list[Contract]:
    """The contracts whose classes hold for the data at a path, whatever its contract says now.

    Data that had none may be any other: who may not see values of a column does not read them under a new path, either.
    """
    known = before.config.contracts
    bytes_ = now.digest_or_none(path)
    found = []
    for each in known:
        if path in known and each != path:
            other = before.digest_or_none(each) if bytes_ else None
            if not bytes_ or not other or other.md5 != bytes_.md5:
                continue
        with suppress(MlgitError):  # one that cannot be read says nothing
            found.append(contract_changes.read(before, each))
    return [each.contract for each in found if each]


def _of_the_same(before: Revision, path: str) -> list[Contract]:
    """The contract that the data at a path had."""
    with suppress(MlgitError):
        found = contract_changes.read(before, path)
        return [found.contract] if found else []
    return []


def _succeeding(contract: Contract, known: Iterable[Contract], had: Iterable[Contract]) -> Contract:
    """A contract, hiding what any of those known hides, for data that had some before."""
    before = {each.name: each for each in had if each.name != contract.name}
    return replace(contract.as_private_as(*known), before=tuple(before.values()))


def of_rules(
    deciding: Config, before: Revision | None, now: Revision, *, guards: Iterable[Revision]
) -> Mapping[str, ContractEvidence]:
    """What rules of kind contract rest on, by path: contracts from `before` to `now`, and data of `now` against both.

    The first of `guards` that has a contract for the data is the one whose contract it has to keep, whatever `now` says.
    """
    paths = dict.fromkeys(rule.path for rule in deciding.gates.rules if rule.kind == "contract")
    sides = list(guards)
    return {path: _evidence(before, now, posixpath.normpath(path), sides) for path in paths}


def _evidence(before: Revision | None, now: Revision, path: str, guards: list[Revision]) -> ContractEvidence:
    evolution = contract_changes.evolved(before, now, path)
    if evolution is None or evolution.trouble:
        return ContractEvidence(evolution)
    contracts: dict[str, Contract] = {}
    try:
        asked = next((read for side in guards if (read := contract_changes.read(side, path))), None)
        sides = [asked, contract_changes.read(now, path)]
        known = [*(each.contract for each in sides if each), *(_earlier(before, now, path) if before else [])]
        had = [*([asked.contract] if asked else []), *(_of_the_same(before, path) if before else [])]
        # what one of them classifies none of them shows: a change cannot take that back and show it at once
        for each in (_succeeding(one.contract, known, had) for one in sides if one):
            # one that asks the same is looked at once
            if not any(_asks_the_same(each, other) for other in contracts.values()):
                contracts[each.name] = each
    except MlgitError as error:
        return ContractEvidence(evolution, (HeldData(path, "invalid", error.message, error.hint),))
    return ContractEvidence(evolution, tuple(held(now, path, each) for each in contracts.values()))


def _asks_the_same(one: Contract, other: Contract) -> bool:
    # as they are written: to Python, 1 is True
    return repr((one.table, one.columns, one.checks)) == repr((other.table, other.columns, other.checks))
