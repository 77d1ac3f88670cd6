"""A line of a requirements file, with an extra added to it."""

from __future__ import annotations

import re
import string

_NAME = "mlgit"
_IN_ADDRESS = frozenset(f"{string.ascii_letters}{string.digits}/-._~".encode())
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\s*\[(?P<extras>[^\]]*)\])?(?P<rest>.*)")
_URL = re.compile(r"[\w+]+://")
# A marker of the environment stands behind a space; a path, or an address, may hold a semicolon.
_PLACE = re.compile(r"(?P<place>.*?)(?:\[(?P<extras>[\w,. -]*)\])?(?P<marker>\s+;.*)?")


def with_extra(requirement: str, extra: str) -> str:
    """The requirement, which names mlgit or says where it lies, with an extra; an extra it has already stays as it is.

    An address and a path are taken as pip and uv take them with extras: `mlgit[data] @ file:///...`.
    """
    if not extra:
        return requirement
    if not requirement.startswith("/") and not _URL.match(requirement):
        named = _NAMED.fullmatch(requirement)
        # of what is no name, pip says so
        return f"{named['name']}{_bracketed(named['extras'], extra)}{named['rest']}" if named else requirement
    found = _PLACE.fullmatch(requirement)
    if found is None:
        return requirement
    place = f"file://{_quoted(found['place'])}" if requirement.startswith("/") else found["place"]
    return f"{_NAME}{_bracketed(found['extras'], extra)} @ {place}{found['marker'] or ''}"


def _bracketed(extras: str | None, extra: str) -> str:
    names = {each.strip() for each in (extras or "").split(",")} - {""} | {extra}
    return f"[{','.join(sorted(names))}]"


def _quoted(path: str) -> str:
    return "".join(chr(byte) if byte in _IN_ADDRESS else f"%{byte:02X}" for byte in path.encode())
