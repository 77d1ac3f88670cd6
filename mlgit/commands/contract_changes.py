"""The contracts of two revisions side by side, and whether data keeps one: for `data diff`, `diff` and `gate`."""

from __future__ import annotations

import posixpath
from contextlib import suppress
from dataclasses import dataclass

from mlgit import config as configs
from mlgit.adapters.formats import documents
from mlgit.errors import MlgitError
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision
from mlgit.validation import evolution, parse, prose
from mlgit.validation.contract import Contract
from mlgit.validation.evolution import Evolution

_MOST_BYTES = 20 << 20


@dataclass(frozen=True, slots=True)
class ReadContract:
    """A contract of a revision with the document it was made from."""

    contract: Contract
    document: dict[str, object]


def evolutions(before: Revision, now: Revision) -> tuple[Evolution, ...]:
    """Every file of data that has a contract on one of both sides, in the order of the later one.

    A contract that cannot be read is one whose `trouble` says why. Raises MlgitError for a mlgit.yaml that cannot be read.
    """
    paths = dict.fromkeys([*now.config.contracts, *before.config.contracts])
    return tuple(found for path in paths if (found := evolved(before, now, path)) is not None)


def evolved(before: Revision | None, now: Revision, path: str) -> Evolution | None:
    """What became of the contract of one file of data; None where no side has one."""
    path = posixpath.normpath(path)
    file = next((name for side in (now, before) if side and (name := side.config.contracts.get(path))), path)
    try:
        old, new = read(before, path) if before else None, read(now, path)
    except MlgitError as error:
        return Evolution(path, file, "unreadable", trouble=error.message, hint=error.hint)
    if old is None:
        return evolution.added(path, new.contract) if new else None
    if new is None:
        return evolution.removed(path, old.contract)
    told = prose.changes(old.document, new.document)
    return evolution.evolved(path, old.contract, new.contract, prose=told)


def classified(*sides: Revision) -> frozenset[str]:
    """The columns, in lower case, whose values a contract of any of these revisions hides, with what they lie in."""
    found: set[str] = set()
    for side in sides:
        for path in side.config.contracts:
            with suppress(MlgitError):  # one that cannot be read says nothing
                known = read(side, path)
                found |= {each.lower() for each in known.contract.classified} if known else set()
    return frozenset(found | {each[:place] for each in found for place, char in enumerate(each) if char in ".["})


def read(side: Revision, path: str) -> ReadContract | None:
    """The contract of a file of data; None where mlgit.yaml names none. Raises MlgitError for one that cannot be read."""
    file = side.config.contracts.get(posixpath.normpath(path))
    if file is None:
        return None
    found: ReadContract = side.once(("contract", file), lambda: _read(side, file))
    return found


def _read(side: Revision, file: str) -> ReadContract:
    name = f"{side.commit[:7]}:{file}" if side.commit else file
    if not recorded_paths.is_inside(file):
        raise MlgitError(f"{name}: not in the project", f"name a file below it under `data:` in {configs.NAME}")
    if (side.files.size(file) or 0) > _MOST_BYTES:
        raise MlgitError(f"{name}: larger than {_MOST_BYTES >> 20} MiB, and no contract")
    text = side.files.text(file)
    if text is None:
        raise MlgitError(f"{name}: no such contract", f"{configs.NAME} names it under `data:`")
    document = documents.parse_yaml(text, name=name)
    return ReadContract(parse.parse(document, name=name), document)
