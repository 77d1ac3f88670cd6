"""Patterns of a contract found in texts of strangers, in a time that grows with the text and no faster."""

from __future__ import annotations

from collections.abc import Sequence


def found(pattern: str, texts: Sequence[str]) -> list[bool]:
    """In which texts RE2 finds a pattern: Arrow has it, and DuckDB looks for patterns with the same."""
    import pyarrow
    from pyarrow import compute

    # half of a surrogate pair is no text, and nothing finds it
    plain = [each if each.isascii() else each.encode("utf-8", "replace").decode() for each in texts]
    matched: list[bool] = compute.match_substring_regex(pyarrow.array(plain, pyarrow.string()), pattern).to_pylist()
    return matched
