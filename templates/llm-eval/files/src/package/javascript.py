"""Texts, numbers and regular expressions as JavaScript has them, for assertions that promptfoo judges alike."""

import functools
import json
import re
from typing import Any

SPACE = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
OUTSIDE = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[A-Za-z0-9_]",
    "W": "[^A-Za-z0-9_]",
    "s": f"[{SPACE}]",
    "S": f"[^{SPACE}]",
    # unlike Python's, it is in an empty text, too
    "B": r"(?!\b)",
}
INSIDE = {"d": "0-9", "w": "A-Za-z0-9_", "s": SPACE, "D": r"\D", "W": r"\W"}
ANY = r"[^\n\r\u2028\u2029]"
TOKEN = re.compile(r"\\[1-9]\d*|\\.|\[\^?\]?|\(\?(?:<?[=!]|:|<[A-Za-z_]\w*>|)|[*+?}][+]|\{,|.", re.DOTALL)
TOKEN_INSIDE = re.compile(r"\\.|.", re.DOTALL)


def units(text: str) -> str:
    """The text in UTF-16 units, which are what JavaScript counts, cuts and matches."""
    if text.isascii():
        return text
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[at] | raw[at + 1] << 8) for at in range(0, len(raw), 2))


def string(value: Any) -> str:
    """A text, number, true or false as `String(value)` writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int)) and abs(value) < 2**53:
        return json.dumps(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, float) and 1e-4 <= abs(value) < 2**53:
        return repr(value)
    raise ValueError(f"write {value!r} as text")


def parse_json(text: str) -> Any:
    """What `JSON.parse` reads: every number is a double, and NaN is none. ValueError for anything else."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        return json.loads(text, parse_int=float, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def same(one: Any, other: Any) -> bool:
    """Whether two values that `parse_json` read are the same: neither 1 and true nor 0 and -0 are."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@functools.cache
def regex(pattern: str) -> re.Pattern[str]:
    """A JavaScript pattern (without flags) for texts in `units`; ValueError for what Python has no word for."""
    parts, is_inside, at, text = [], False, 0, units(pattern)
    while match := (TOKEN_INSIDE if is_inside else TOKEN).match(text, at):
        token, at = match[0], match.end()
        parts.append(_translated(token, pattern, is_inside=is_inside))
        is_inside = token != "]" if is_inside else token.startswith("[")
    try:
        return re.compile("".join(parts), re.ASCII)
    except re.error as error:
        raise ValueError(f"{pattern}: no regular expression: {error}") from error


def _translated(token: str, pattern: str, *, is_inside: bool) -> str:
    if token.startswith("\\"):
        return _escape(token[1:], pattern, is_inside=is_inside)
    if is_inside:
        # `[` begins nothing in a class, and `&&`, `--`, `||`, `~~` are no operators there
        return token if token in ("]", "-", "^") else re.escape(token)
    if token in ("[]", "[^]", "(?", "*+", "++", "?+", "}+", "{,"):
        raise ValueError(f"{pattern}: {token} does not mean the same to Python and JavaScript")
    if token.startswith("(?<") and token[3] not in "=!":
        return f"(?P{token[2:]}"
    return {".": ANY, "$": r"\Z"}.get(token, token)


def _escape(char: str, pattern: str, *, is_inside: bool) -> str:
    known = INSIDE if is_inside else OUTSIDE
    if char in known:
        return known[char]
    if char in "123456789" and not is_inside:
        return rf"(?({char})\{char})"  # a group that matched nothing is empty text
    if char in ("nrtfvxu0" if is_inside else "nrtfvxu0b"):
        return f"\\{char}"
    if char.isalnum():
        raise ValueError(f"{pattern}: \\{char} does not mean the same to Python and JavaScript")
    return re.escape(char)
