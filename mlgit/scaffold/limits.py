"""How large a template may be: far more than any project starts with, and little enough to be read in a moment."""

from __future__ import annotations

from collections.abc import Mapping

from mlgit.errors import MlgitError

MOST_FILES = 2000
LARGEST_FILE = 10 << 20
LARGEST_SUM = 50 << 20
LARGEST_MANIFEST = 256 << 10


def check_sizes(sizes: Mapping[str, int], *, name: str) -> None:
    """Refuse a template whose files (path from its folder -> bytes) are too many or too large; `name` is its folder's."""
    if len(sizes) > MOST_FILES:
        raise MlgitError(f"{name}: {len(sizes):,} files, and a template has {MOST_FILES:,} at most")
    for path, size in sizes.items():
        if size > LARGEST_FILE:
            raise MlgitError(f"{name}/{path}: {size:,} bytes, and a file of a template has {LARGEST_FILE:,} at most")
    if sum(sizes.values()) > LARGEST_SUM:
        largest = max(sizes, key=lambda path: sizes[path])
        raise MlgitError(f"{name}: its files are larger than {LARGEST_SUM:,} bytes in all, the largest of them {largest}")


def check_manifest(text: str, *, name: str) -> None:
    """Refuse a manifest that no one has written by hand, before it is parsed."""
    if len(text) > LARGEST_MANIFEST:
        raise MlgitError(f"{name}: {len(text):,} characters, and a manifest has {LARGEST_MANIFEST:,} at most")
