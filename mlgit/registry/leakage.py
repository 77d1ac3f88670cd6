"""Whether rows of the test data are in the training data, compared by everything but the column that names a row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

from mlgit.errors import MlgitError
from mlgit.registry.audit import Leak
from mlgit.registry.facts import DataFile, Facts
from mlgit.render.text import suffix
from mlgit.revision.revision import Revision
from mlgit.tables import parquet

LARGEST = 32 << 20


def check(revision: Revision, facts: Facts, *, id_column: str = "") -> Leak:
    """Compare the rows of all test files with those of all training files, as far as their bytes are here.

    Tables of more than LARGEST bytes together are not read, so that the answer does not take long.
    """
    train, test = facts.with_role("train"), facts.with_role("test")
    if not train or not test:
        return Leak(unchecked="training and test data are not both declared in mlgit.yaml")
    why = _why_not([*train, *test])
    if why:
        return Leak(unchecked=why)
    try:
        known = {row for each in train for row in _digests(_opened(revision, each), each.path, id_column)}
        rows = [row for each in test for row in _digests(_opened(revision, each), each.path, id_column)]
    except MlgitError as error:
        return Leak(unchecked=error.message)
    except (csv.Error, ValueError) as error:
        return Leak(unchecked=f"a table cannot be read ({error})")
    return Leak(sum(row in known for row in rows), len(rows)) if rows else Leak(unchecked="the test data has no rows")


def _why_not(data: list[DataFile]) -> str:
    for each in data:
        if suffix(each.path) not in parquet.WITH_DIGESTS:
            return f"{each.path} is no CSV, TSV or Parquet file"
    known = [each.size for each in data if each.size is not None]
    if len(known) < len(data):
        return "the sizes of the tables are not known"
    return f"the tables are larger than {LARGEST >> 20} MiB" if sum(known) > LARGEST else ""


def _opened(revision: Revision, each: DataFile) -> BinaryIO:
    """A file of the revision: from Git, or from the cache by digest."""
    if revision.files.size(each.path) is not None:
        return revision.files.stream(each.path)
    if not each.md5 or not revision.cache.has(each.md5):
        raise MlgitError(f"the bytes of {each.path} are not here")
    return open(revision.cache.path(each.md5), "rb")


def _digests(stream: BinaryIO, path: str, id_column: str) -> Iterator[bytes]:
    with stream:
        yield from parquet.row_digests(stream, ending=suffix(path), without=id_column)
