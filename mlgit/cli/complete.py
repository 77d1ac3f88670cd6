"""Answers a shell that asks how a word may go on. It says nothing else, and never fails: a shell shows what is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

VARIABLE = "_MLGIT_COMPLETE"
_BREAKS = "@:="  # where bash ends a word, of what stands in names
# Commands with commands of their own, and the kinds of the arguments of the others; the last of these repeats.
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("run", "status", "dag"), ("stage or file",)),
    **dict.fromkeys(("diff", "gate"), ("revision", "revision", "")),
    **dict.fromkeys(("card build", "card check", "model history", "model verify"), ("model", "")),
    "model register": ("model", "revision", ""),
    "model promote": ("model or version", "environment", ""),
    **dict.fromkeys(("model rollback", "model unassign"), ("model", "environment", "")),
    **dict.fromkeys(("model show", "model get", "model stamp", "model reproduce", "model retire"), ("model or version", "")),
    **dict.fromkeys(("model approve", "model audit"), ("version", "")),
    "completion": ("shell", ""),
}
_OPTIONS = {"-t": "template", "--template": "template", "--base": "revision", "--follow": "stage"}


def answer(shell: str, arguments: Sequence[str]) -> None:
    """Print the ways in which the word under the cursor may go on, a line each; nothing where something is wrong."""
    stderr, sys.stderr = sys.stderr, open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the end of the process
    try:
        quote = ""
        if shell == "bash":
            arguments, quote = split(os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT", "0"))])
        *before, begun = arguments or [""]
        found = [
            each for each in dict.fromkeys(_candidates(before[1:], begun)) if each.startswith(begun) and each.isprintable()
        ]
        written = [_for_bash(each, begun, quote) for each in found] if shell == "bash" else found
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
    start = max((begun.rfind(char) for char in os.environ.get("COMP_WORDBREAKS", _BREAKS) if char in _BREAKS), default=-1) + 1
    end = "" if word.endswith(("/", "=")) else " "
    rest = word[start:]
    return "".join(char if char.isalnum() or char in "_-./,:@=+%#" else f"\\{char}" for char in rest) + end


def _candidates(before: Sequence[str], begun: str) -> list[str]:
    from mlgit.cli import names

    groups = names.groups()
    words = [each for each in before if not each.startswith("-")]
    path = " ".join(words[: 2 if words[:1] and words[0] in groups else 1])
    if not path:
        return _options(path) if begun.startswith("-") else names.commands("")
    if path in groups:
        return _options(path) if begun.startswith("-") else names.commands(path)
    if begun.startswith("-") and "--" not in before:
        return _options(path)
    last = before[-1] if before else ""
    kind = _OPTIONS.get(last, "") if last.startswith("-") else ""
    if last in ("--color",):
        return ["auto", "always", "never"]
    if not kind:
        kinds = _ARGUMENTS.get(path, ("file",))
        at = len(words) - len(path.split())
        kind = kinds[min(at, len(kinds) - 1)]
    return _named(kind, begun)


def _named(kind: str, begun: str) -> list[str]:
    if kind == "shell":
        return ["bash", "zsh", "fish"]
    files = _files(begun) if kind in ("file", "stage or file", "version") else []
    if kind in ("", "file"):
        return files
    from mlgit.commands.candidates import candidates

    try:
        return candidates("stage" if kind == "stage or file" else kind, begun) + files
    except Exception:
        return files


def _options(path: str) -> list[str]:
    from mlgit.cli import names

    return names.options(path)


def _files(begun: str) -> list[str]:
    folder, _, start = begun.rpartition("/")
    above = f"{folder}/" if "/" in begun else ""
    with os.scandir(os.path.expanduser(above) or ".") as entries:
        return [
            f"{above}{each.name}{'/' if each.is_dir() else ''}"
            for each in sorted(entries, key=lambda entry: entry.name)
            if each.name.startswith(start) and (start or not each.name.startswith("."))
        ]
