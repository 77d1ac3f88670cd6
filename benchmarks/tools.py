"""The tools that are compared: how each is started, what it leaves behind, and what it calls its version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Tool:
    """A tool, the command for a run, and the one for a run when nothing changed (None: it has no such thing).

    `slow` is the number of stages above which it is left out: it would take minutes.
    """

    name: str
    run: tuple[str, ...]
    again: tuple[str, ...] | None
    version: tuple[str, ...]
    slow: int = 100_000


def _own(name: str) -> str:
    return str(BIN / name) if (BIN / name).exists() else name


TOOLS = (
    Tool("pool", (sys.executable, "-SEI", str(Path(__file__).with_name("pool.py"))), None, (sys.executable, "--version")),
    Tool("mlgit", (_own("mlgit"), "run", "-j2"), (_own("mlgit"), "run"), (_own("mlgit"), "--version")),
    Tool("make", ("make", "-s", "-j2"), ("make", "-s", "-j2"), ("make", "--version")),
    Tool("ninja", ("ninja", "-j2"), ("ninja", "-j2"), ("ninja", "--version")),
    Tool(
        "snakemake",
        (_own("snakemake"), "-j2", "-q", "all"),
        (_own("snakemake"), "-j2", "-q", "all"),
        (_own("snakemake"), "--version"),
        slow=400,
    ),
    Tool("dvc repro", (_own("dvc"), "repro", "-q"), (_own("dvc"), "repro", "-q"), (_own("dvc"), "--version"), slow=400),
    Tool("dvc status", (_own("dvc"), "status", "-q"), (_own("dvc"), "status", "-q"), (_own("dvc"), "--version"), slow=0),
)


def available(names: Sequence[str]) -> list[Tool]:
    """The chosen tools that are installed here; what is missing is said."""
    found = []
    for tool in TOOLS:
        if names and tool.name not in names:
            continue
        if shutil.which(tool.run[0]):
            found.append(tool)
        else:
            print(f"{tool.name}: not installed, left out", file=sys.stderr)
    return found


def version(tool: Tool) -> str:
    """The first line of what the tool says of its version."""
    done = subprocess.run(tool.version, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def environment(folder: Path) -> dict[str, str]:
    """The environment of a measured command: a plain shell, no update checks, state in a folder of its own."""
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "BASH_ENV", "ENV")}
    return env | {
        "SHELL": "/bin/sh",
        "DVC_NO_ANALYTICS": "1",
        "CI": "1",
        "DVC_SITE_CACHE_DIR": str(folder / ".site"),
        "NO_COLOR": "1",
    }


def clean(folder: Path) -> None:
    """Back to a clone just made: no outputs, no lock, no cache, no state."""
    for path in folder.iterdir():
        if path.name.startswith("o") and path.suffix == ".txt":
            path.unlink()
    for name in ("dvc.lock", ".ninja_log", ".ninja_deps"):
        (folder / name).unlink(missing_ok=True)
    for name in (".dvc/cache", ".dvc/tmp", ".site", ".snakemake"):
        shutil.rmtree(folder / name, ignore_errors=True)
