"""The text of a registry tag: one sentence as GTO writes it, the reason a person gave, a line `---`, and facts.

The facts are YAML of the plainest kind: one key a line, its value a word or JSON. So every YAML parser reads them, and
here they are read without one: there are no anchors, tags or multi-line values that an attacker could use.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

VERSION = 1
MAX_BYTES = 65_536
_START = "\n---\nmlgit: "
_FIRST = ("mlgit", "event", "version")
_KEY = re.compile(r"[a-z_][a-z0-9_]*")
# A word that YAML takes for text without quotes.
_WORD = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.@#+=/!:-]| (?=[A-Za-z0-9_]))*")
_RESERVED = re.compile(r"y|n|yes|no|on|off|true|false|null|nan|inf", re.IGNORECASE)
# What Git takes for the beginning of a signature: from the last such line on, a tag's text is not its message.
_SIGNATURE = re.compile(r"(?m)^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----")
_PREVIOUS = re.compile(r"(?m)^previous: (\S+) ([0-9a-f]{40}|[0-9a-f]{64})$")
# What GTO writes where nobody gave a message.
_UNASKED = re.compile(
    r"(?:Registering|Deregistering) artifact \S+ version \S+|Assigning stage \S+ to artifact \S+ (?:version|commit) \S+"
    r"|Unassigning stage \S+ to artifact \S+ version \S+|Deprecating artifact \S+"
)

_NOTHING: Mapping[str, Any] = {}


class Body(NamedTuple):
    """The text of a tag. `facts` is empty for a tag not written by mlgit; `fault` says why facts could not be read."""

    sentence: str = ""
    reason: str = ""
    facts: Mapping[str, Any] = _NOTHING
    fault: str = ""


def with_reason(body: Body) -> Body:
    """The same, where a person gave another tool the whole message (`gto register -m`): that is the reason."""
    if body.facts or body.fault or _UNASKED.fullmatch(body.sentence):
        return body
    return body._replace(reason=f"{body.sentence}\n\n{body.reason}".strip("\n"))


def render(body: Body) -> str:
    """The text, to be written as it is; the same body gives the same bytes.

    Raises ValueError for facts that JSON has no word for, or for keys that are no words.
    """
    reason = _clean(body.reason).strip("\n")
    head = _clean(body.sentence).replace("\n", " ").strip(" -") + "\n" + (f"\n{reason}\n" if reason else "")
    if not body.facts:
        return head
    keys = [*(key for key in _FIRST if key in body.facts), *sorted(body.facts.keys() - set(_FIRST))]
    if keys[0] != "mlgit" or not all(_KEY.fullmatch(key) for key in keys):
        raise ValueError(f"not the facts of a tag: {', '.join(keys)}")
    written = "".join(f"{key}: {_value(body.facts[key])}\n" for key in keys)
    if len(written.encode()) > MAX_BYTES:
        raise ValueError(f"facts of more than {MAX_BYTES} bytes")
    return f"{head}---\n{written}"


def _clean(text: str) -> str:
    """Text as it can stand in a tag: no control characters, and no line that would be taken for a signature or for facts."""
    lines = "".join(char if char.isprintable() or char in "\n\t" else " " for char in text).split("\n")
    return "\n".join(f" {line.rstrip()}" if line.startswith("---") else line.rstrip() for line in lines)


def _value(value: Any) -> str:
    return value if isinstance(value, str) and _is_word(value) else _json(value)


def _is_word(text: str) -> bool:
    """Whether YAML takes it for text as it is."""
    if not _WORD.fullmatch(text) or _RESERVED.fullmatch(text):
        return False
    return ": " not in text and not text.endswith(":")


def _json(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    # YAML wants what is not printable escaped; beyond 16 bits it has another way for it than JSON, and needs none
    return "".join(char if char.isprintable() or char > "\uffff" else json.dumps(char)[1:-1] for char in text)


def split(text: str) -> tuple[str, str]:
    """A tag's message without its signature, and the signature ('' for none)."""
    starts = [found.start() for found in _SIGNATURE.finditer(text)]
    return (text[: starts[-1]], text[starts[-1] :]) if starts else (text, "")


@functools.lru_cache(maxsize=8192)
def parse(text: str) -> Body:
    """The body of a tag from its text, with or without signature. Never raises: `fault` says what is wrong with the facts."""
    message, _ = split(text)
    head, start, tail = f"{message}".rpartition(_START)
    if not start:
        sentence, _, reason = message.strip("\n").partition("\n")
        return Body(sentence, reason.strip("\n"))
    sentence, _, reason = head.strip("\n").partition("\n")
    try:
        return Body(sentence, reason.strip("\n"), _facts(f"mlgit: {tail}"))
    except RecursionError:
        return Body(sentence, reason.strip("\n"), fault="nested too deeply")
    except ValueError as error:
        return Body(sentence, reason.strip("\n"), fault=str(error).splitlines()[0])


def _facts(text: str) -> dict[str, Any]:
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ValueError(f"its facts are larger than {MAX_BYTES} bytes")
    found: dict[str, Any] = {}
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        key, colon, value = line.partition(": ")
        if not colon or not _KEY.fullmatch(key):
            raise ValueError(f"line {number} of its facts is not `key: value`")
        if key in found:
            raise ValueError(f"its facts name '{key}' twice")
        found[key] = _read(value, key)
    if type(found["mlgit"]) is not int or found["mlgit"] != VERSION:
        raise ValueError(f"its facts are of format {str(found['mlgit'])[:20]}, and this mlgit knows {VERSION}")
    return found


def _read(value: str, key: str) -> Any:
    if _is_word(value):
        return value
    try:
        return json.loads(value, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"'{key}' of its facts is neither a word nor JSON") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its facts name a key twice")
    return found


def _finite(word: str) -> float:
    value = float(word)
    return value if math.isfinite(value) else _refuse(word)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"its facts hold {word}, which is not a number")


def previous(text: str) -> tuple[str, str] | None:
    """Name and object id of the event before, as the facts say; found without reading them, for there may be thousands."""
    if "-----BEGIN " in text:  # what comes after a signature is not signed
        text, _ = split(text)
    at = text.rfind(_START)
    start = text.find("\nprevious: ", at) if at >= 0 else -1
    found = _PREVIOUS.match(text, start + 1) if start >= 0 else None
    return (found[1], found[2]) if found else None
