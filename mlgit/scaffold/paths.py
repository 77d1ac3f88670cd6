"""Names that files of a template may have: plain ones, which mean the same file to every system and to every tool."""

from __future__ import annotations

import re
import unicodedata

# What Windows and macOS file systems take for `.git` besides the name itself.
_GIT_NAMES = re.compile(r"\.git|git~[0-9]+", re.IGNORECASE)

# Names that Windows gives to devices, whatever stands behind the dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)

_LONGEST_NAME, _LONGEST_PATH = 150, 240


def problem(path: str) -> str:
    """Why a path (from the project's folder, with `/`) is none that a template may write; '' where it may."""
    parts = path.split("/")
    if path.startswith("/"):
        return "an absolute path"
    if any(part in ("", ".", "..") for part in parts):
        return "not a plain path below the project"
    if any(
        char in '\\:*?"<>|' or unicodedata.category(char) in ("Zl", "Zp") or unicodedata.category(char)[0] == "C"
        for char in path
    ):
        return "a character that not every file system takes, or that nobody sees"
    if any(part[-1] in " ." for part in parts):
        return "a name that ends with a space or a dot"
    if any(part[0] == "-" for part in parts):
        return "a name that programs take for an option"
    if any(_GIT_NAMES.fullmatch(part) for part in parts):
        return "inside a `.git`"
    if any(_DEVICES.fullmatch(part) for part in parts):
        return "the name of a device on Windows"
    if any(len(part.encode()) > _LONGEST_NAME for part in parts) or len(path.encode()) > _LONGEST_PATH:
        return "a name that is too long for some file systems"
    return ""


def folded(path: str) -> str:
    """The same text for all names that some file system takes for one: `README.md` and `readme.md`, é in one sign or two."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
