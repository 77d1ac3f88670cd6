"""Patterns of ECMA-262, by which the standard writes them, as RE2 reads them: where both know a sign, it must say the same."""

from __future__ import annotations

import re

# What `.` does not find, and what \s does.
_LINE_ENDS = r"\n\r\x{2028}\x{2029}"
_SPACES = r"\t-\r \x{a0}\x{feff}\x{2028}\x{2029}\p{Zs}"
_NO_SPACES = (
    r"\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}"
    r"\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}"
)
_SAME = frozenset("dDwWbBnrtfvxpPk123456789")
_CODE = re.compile(r"u(?:([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]{1,6})\})|c([A-Za-z])")


def translated(pattern: str) -> str:
    """The same pattern for RE2. Raises ValueError for what RE2 or people read otherwise than the standard."""
    found, place = "", 0
    while place < len(pattern):
        char = pattern[place]
        if char == "\\":
            piece, place = _escape(pattern, place + 1, in_class=False)
        elif char == "[":
            piece, place = _class(pattern, place + 1)
        else:
            piece, place = (f"[^{_LINE_ENDS}]" if char == "." else char), place + 1
        found += piece
    return found


def _escape(pattern: str, place: int, *, in_class: bool) -> tuple[str, int]:
    """What stands behind a backslash, and the place behind it."""
    char = pattern[place : place + 1]
    code = _CODE.match(pattern, place)
    if code:
        number = ord(code[3]) % 32 if code[3] else int(code[1] or code[2], 16)
        return f"\\x{{{number:x}}}", code.end()
    if char in ("s", "S"):
        signs = _SPACES if char == "s" else _NO_SPACES
        return signs if in_class else f"[{signs}]", place + 1
    if char == "b" and in_class:
        return r"\x08", place + 1
    if char == "0" and not pattern[place + 1 : place + 2].isdigit():
        return r"\x00", place + 1
    if char.isalnum() and char not in _SAME:
        hint = {"A": ", whose texts begin at ^", "z": ", whose texts end at $", "Z": ", whose texts end at $"}.get(char, "")
        raise ValueError(f"\\{char} is no escape of ECMA-262{hint}")
    return f"\\{char}", place + 1


def _class(pattern: str, place: int) -> tuple[str, int]:
    """What stands in brackets, and the place behind it."""
    if pattern.startswith("^]", place):
        return "(?s:.)", place + 2
    if pattern.startswith("]", place):
        raise ValueError("[] holds no sign, so it finds nothing: write \\] for a bracket")
    if re.match(r"\^?\[[:.=]", pattern[place:]):
        raise ValueError("[[: is no class of ECMA-262: write the signs, such as [A-Za-z]")
    found = "["
    while place < len(pattern):
        char = pattern[place]
        if char == "]":
            return found + "]", place + 1
        if char == "\\":
            piece, place = _escape(pattern, place + 1, in_class=True)
        else:
            piece, place = (r"\[" if char == "[" else char), place + 1
        found += piece
    return found, place  # RE2 tells that the bracket is missing
