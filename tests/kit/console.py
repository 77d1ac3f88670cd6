"""Console blocks of a page: what is typed, what it shows, and whether a program still prints that."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Whoever plays a page has an environment already; the way to one that is printed depends on the machine.
_MAKES_ENVIRONMENT = re.compile(r"(python\S* -m venv|uv venv|\. \.venv/bin/activate|(uv |python -m )?pip install)\b.*")
_OF_CHECKOUT = "note: this mlgit comes from "
_OF_STAGE = re.compile(r"(running|ran|restored) ")

# What differs from run to run, from machine to machine and with each version.
_VARIES = (
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "MOMENT"),
    (r"(?<![\w-])/(?:[\w.@+-]+/)+", "PATH/"),
    (r"\b(?=\w*\d)[0-9a-f]{7,40}\b", "HASH"),
    (r"(?<=\w)-[0-9a-f]{6}\b", "-DIGITS"),
    (r"\b(\d+ min )?\d+(\.\d+)? (m?s|min)\b", "TIME"),
    (r"\b\d+(\.\d+)? ([KMG]i)?B\b", "SIZE"),
    (r"\b\d+\.\d+\.\d+\b", "VERSION"),
    (r"\s+", " "),
)


@dataclass(frozen=True)
class Typed:
    """A command line and the lines that a page shows below it."""

    line: str
    shown: tuple[str, ...]


def typed(text: str) -> list[Typed]:
    """What the console blocks of a page type, in order."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *shown = part.rstrip("\n").split("\n")
            found.append(Typed(line, tuple(shown)))
    return found


def without_environment(line: str) -> str:
    """A command line without its parts that make an environment or install into it."""
    return " && ".join(part for part in line.split(" && ") if not _MAKES_ENVIRONMENT.fullmatch(part)) or "true"


def normal(line: str) -> str:
    """A line without what varies."""
    for pattern, name in _VARIES:
        line = re.sub(pattern, name, line)
    return line.strip()


def is_shown(shown: Sequence[str], printed: str) -> bool:
    """Whether what was printed is what is shown; blank lines do not count.

    A line `...` or `…` stands for any lines, and `...` within a line for the rest of it, or of what is in brackets.
    """
    pattern = "".join(r"(?:.*\n)*" if line in ("...", "…") else _pattern(line) + r"\n" for line in _told(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _told(printed.splitlines()))) is not None


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split("...")))


def _told(lines: Sequence[str]) -> list[str]:
    """Lines without what varies: a stage may be reported just before or just after the next one starts."""
    kept = [each for each in map(normal, lines) if each and not _MAKES_ENVIRONMENT.fullmatch(each)]
    told = [each for each in kept if not each.startswith(_OF_CHECKOUT)]
    groups = itertools.groupby(told, key=lambda each: _OF_STAGE.match(each) is not None)
    return [each for is_of_stage, group in groups for each in (sorted(group) if is_of_stage else group)]


class Shell:
    """Runs command lines one after the other, as one bash would as far as folders go."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder, self._env, self._code = folder, dict(env), 0

    def type(self, line: str) -> tuple[int, str]:
        """The exit code, and all that was printed."""
        reads, writes = os.pipe()
        script = f"(exit {self._code})\n{without_environment(line)}\ncode=$?; pwd >&{writes}; exit $code"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._env,
            pass_fds=[writes],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        os.close(writes)
        with open(reads) as told:
            self.folder = Path(told.read().strip())
        self._code = done.returncode
        return done.returncode, done.stdout
