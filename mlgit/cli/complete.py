"""Answers a shell that asks how a word may go on. It says nothing else, and never fails: a shell shows what is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from click import Option

VARIABLE = "_MLGIT_COMPLETE"
_BREAKS = "@:="  # where bash ends a word, of what stands in names
_BEGINS = "@"  # of these, the one that begins the next word
_FILE = "file"
# What the arguments of a command are; the last of these repeats, and of several kinds each may be meant.
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("run", "status", "dag", "pull"), ("stage file",)),
    **dict.fromkeys(("add", "new", "init", "report", "ci publish", "data check", "data infer"), (_FILE,)),
    **dict.fromkeys(("diff", "data diff"), ("revision", "revision", "")),
    "gate": ("revision suggestion", "revision", "revision"),
    **dict.fromkeys(("card build", "card check", "model history", "model verify"), ("model", "")),
    **dict.fromkeys(
        ("monitor sketch", "monitor run", "monitor show", "monitor trigger", "monitor export", "monitor compare"), ("model", "")
    ),
    "model register": ("model", "revision", ""),
    "model promote": ("model version", "environment", ""),
    **dict.fromkeys(("model rollback", "model unassign"), ("model", "environment", "")),
    **dict.fromkeys(("model show", "model get", "model stamp", "model reproduce", "model retire"), ("model version", "")),
    "model approve": ("version", ""),
    "model audit": ("model version file", ""),
    **dict.fromkeys(("exp promote", "exp apply"), ("trial", "")),
    **dict.fromkeys(("exp show", "exp compare", "exp remove", "exp push", "exp pull"), ("trial",)),
    "exp diff": ("trial revision", "trial revision", ""),
    "remote add": ("", _FILE, ""),
    "completion": ("shell", ""),
}
_OPTIONS: Mapping[str, str] = {
    "new --template": "template file",
    "run --set": "parameter",
    "exp run --set": "parameter",
    "exp show --baseline": "revision",
    "exp list --baseline": "revision",
    "exp compare --baseline": "revision",
    "--base": "revision",
    "--follow": "stage",
    "--answers": _FILE,
    "--out": _FILE,
    "--output": _FILE,
    "--html": _FILE,
    "--model": "model",
}
_WORDS: Mapping[str, tuple[str, ...]] = {"shell": ("bash", "zsh", "fish"), "suggestion": ("suggest",)}


def answer(shell: str, arguments: Sequence[str]) -> None:
    """Print the ways in which the word under the cursor may go on, a line each; nothing where something is wrong."""
    stderr, sys.stderr = sys.stderr, open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the end of the process
    try:
        quote = ""
        if shell == "bash":
            arguments, quote = split(os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT", "0"))])
        *before, begun = arguments or [""]
        found = {word: about for word, about in _candidates(before[1:], begun) if word.startswith(begun) and word.isprintable()}
        if shell == "bash":
            written = [_for_bash(each, begun, quote) for each in found]
        else:
            written = [f"{word}\t{about}" if about else word for word, about in found.items()]
        sys.stdout.write("".join(f"{each}\n" for each in written))
        sys.stdout.flush()
    except BaseException:  # noqa: S110 - whatever it is, the user is in the middle of a line
        pass
    finally:
        sys.stderr = stderr


def split(line: str) -> tuple[list[str], str]:
    """The words of a line up to the cursor as the shell reads them, the last one begun, and the quote that is open in it."""
    words, word, quote, escaped, is_there = list[str](), "", "", False, False
    for char in line:
        if escaped:
            word, escaped = word + char, False
        elif char == "\\" and quote != "'":
            escaped, is_there = True, True
        elif quote:
            word, quote = (word, "") if char == quote else (word + char, quote)
        elif char in "'\"":
            quote, is_there = char, True
        elif char in " \t\n":
            words, word, is_there = ([*words, word], "", False) if word or is_there else (words, "", False)
        else:
            word, is_there = word + char, True
    return [*words, word], quote


def _for_bash(word: str, begun: str, quote: str) -> str:
    """A candidate as it replaces what bash takes for the word: what stands behind the last of its breaks, or in quotes."""
    if quote == "'":
        return word.replace("'", "'\\''")
    if quote:
        return "".join(f"\\{char}" if char in '\\"$`' else char for char in word)
    breaks = {*os.environ.get("COMP_WORDBREAKS", _BREAKS)} & {*_BREAKS}
    last = max((begun.rfind(char) for char in breaks), default=-1)
    start = 0 if last < 0 else last + (begun[last] not in _BEGINS)
    end = "" if word.endswith(("/", "=")) else " "
    return "".join(map(_escaped, range(start, len(word)), word[start:])) + end


def _escaped(at: int, char: str) -> str:
    """A character of a word as bash reads it; `#` begins a comment only where it begins a word."""
    return char if char.isalnum() or char in "_-./,:@=+%" or (char == "#" and at) else f"\\{char}"


def _candidates(before: Sequence[str], begun: str) -> list[tuple[str, str]]:
    """Words, each with a line on what it is or '', among them those that go on from what is begun."""
    from mlgit.cli import names

    place = names.place(before)
    if place is None:
        return []
    if place.awaited:
        return _values(place.path, place.awaited, begun)
    if begun.startswith("--") and "=" in begun and not place.ended:
        word, _, value = begun.partition("=")
        option = names.option(place.command, word)
        return [(f"{word}={each}", about) for each, about in (_values(place.path, option, value) if option else [])]
    if begun.startswith("-") and not place.ended:
        return names.options(place.command)
    if names.is_group(place.command):
        return names.commands(place.path)
    kinds = _ARGUMENTS.get(place.path, ("",))
    return _named(kinds[min(place.arguments, len(kinds) - 1)], begun)


def _values(path: str, option: Option, begun: str) -> list[tuple[str, str]]:
    if choices := getattr(option.type, "choices", ()):
        return [(str(each), "") for each in choices]
    known = [_OPTIONS.get(f"{path} {word}") or _OPTIONS.get(word) or "" for word in option.opts]
    return _named(max(known), begun)


def _named(kinds: str, begun: str) -> list[tuple[str, str]]:
    found = list[str]()
    for kind in kinds.split():
        if kind in _WORDS:
            found += _WORDS[kind]
        elif kind == _FILE:
            found += _files(begun)
        else:
            found += _looked_up(kind, begun, also_models="model" in kinds)
    return [(each, "") for each in found]


def _looked_up(kind: str, begun: str, *, also_models: bool) -> list[str]:
    from mlgit.commands.candidates import candidates

    try:
        return candidates(kind, begun)
    except Exception:  # files may still be found
        return []


def _files(begun: str) -> list[str]:
    folder, _, start = begun.rpartition("/")
    above = f"{folder}/" if "/" in begun else ""
    with os.scandir(os.path.expanduser(above) or ".") as entries:
        return [
            f"{above}{each.name}{'/' if each.is_dir() else ''}"
            for each in sorted(entries, key=lambda entry: entry.name)
            if each.name.startswith(start) and (start or not each.name.startswith("."))
        ]
