"""Whether rows of the test data are in the training data, compared by everything but the columns that name a row."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from mlgit.errors import MlgitError
from mlgit.registry.audit import Leak
from mlgit.registry.facts import DataFile, Facts
from mlgit.revision.revision import Revision
from mlgit.tables import overlap
from mlgit.tables.overlap import TableFile


def check(revision: Revision, facts: Facts, *, keys: Sequence[str] = ()) -> Leak:
    """Compare the rows of all test files with those of all training files, as far as their bytes are here."""
    train, test = facts.with_role("train"), facts.with_role("test")
    if not train or not test:
        return Leak(unchecked="training and test data are not both declared in mlgit.yaml")
    try:
        found = overlap.count(_tables(revision, train), _tables(revision, test), keys=keys)
    except MlgitError as error:
        return Leak(unchecked=error.message)
    return Leak(found.rows, found.of) if found.of else Leak(unchecked="the test data has no rows")


def _tables(revision: Revision, data: Iterable[DataFile]) -> list[TableFile]:
    return [TableFile(each.path, functools.partial(_opened, revision, each), each.size) for each in data]


def _opened(revision: Revision, each: DataFile) -> BinaryIO:
    """A file of the revision: from Git, or from the cache by digest."""
    if revision.files.size(each.path) is not None:
        return revision.files.stream(each.path)
    if not each.md5 or not revision.cache.has(each.md5):
        raise MlgitError("its bytes are not here")
    return open(revision.cache.path(each.md5), "rb")
