"""Names of trials, made from what they try: the same settings of the same files have the same name in every clone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlgit.experiments.search_space import exactly, setting
from mlgit.experiments.trial import LONGEST_NAME

_DIGITS = 6
_LONGEST_WORD = 16
_WITHOUT_CHANGES = "trial"


def name_of(
    changes: Mapping[str, Any],
    *,
    tree: str,
    targets: Sequence[str] = (),
    is_other: Callable[[str], bool] = lambda name: False,
) -> str:
    """The name of the trial that sets `changes` (`[FILE:]KEY` -> value) in the files of `tree` and runs `targets`.

    It is a few settings to read, and digits of a digest of all of that: more of them where `is_other` says that a name stands
    for another trial.
    """
    content = exactly([tree, setting(changes), sorted(set(targets))])
    digest = hashlib.sha256(content.encode()).hexdigest()
    digits = _DIGITS
    while digits < LONGEST_NAME and is_other(_named(changes, digest[:digits])):
        digits += 2
    return _named(changes, digest[: min(digits, LONGEST_NAME)])


def _named(changes: Mapping[str, Any], digits: str) -> str:
    left = LONGEST_NAME - len(digits) - 1
    words = ""
    for key, value in changes.items():
        word = f"{_word(_last(key, changes))}-{_word(_shown(value))}".strip("-")
        longer = f"{words}_{word}" if words else word
        if word and len(longer) <= left:
            words = longer
    words = words.lstrip("-._") or _WITHOUT_CHANGES
    return f"{words}-{digits}" if len(words) <= left else digits


def _last(key: str, changes: Mapping[str, Any]) -> str:
    """The end of a key that tells it from the others."""
    parts = re.split(r"[.:/]", key)
    for count in range(1, len(parts) + 1):
        end = parts[-count:]
        if sum(re.split(r"[.:/]", each)[-count:] == end for each in changes) == 1:
            return ".".join(end)
    return key


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value) if isinstance(value, str | int) else exactly(value).strip("[]{}")


def _word(text: str) -> str:
    """A text in the letters that a name may have."""
    found = re.sub(r"[^A-Za-z0-9.-]+", "-", text[: 4 * _LONGEST_WORD].replace("_", "-"))
    return re.sub(r"\.{2,}", ".", found)[:_LONGEST_WORD].rstrip("-.")
