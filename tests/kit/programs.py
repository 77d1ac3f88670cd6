"""Programs as a test calls them: git, dvc and mlgit as child processes, with what they said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit import forked


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ended: exit code and output."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        """What was printed, read as one JSON document."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything that was printed: for assertions that do not care where."""
        return self.out + self.err


def program(root: Path, argv: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str = "") -> Completed:
    """Run a program in `root`, with `env` over the fenced environment of the test."""
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=root,
        env={**os.environ, **(env or {})},
        input=stdin.encode(),
        capture_output=True,
    )
    return Completed(
        done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode(errors="surrogateescape")
    )


def git(root: Path, *args: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """What `git ARGS` prints, without the last line end; the test fails when git does."""
    done = program(root, ["git", *args], stdin=stdin, env=env)
    assert done.code == 0, f"git {' '.join(args)}: {done.said}"
    return done.out.removesuffix("\n")


def dvc(root: Path, *args: str, env: Mapping[str, str] | None = None) -> Completed:
    """Run the real dvc, in a process that need not import it again."""
    return forked.call("dvc", root, args, env=env)


def mlgit(root: Path, *args: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Completed:
    """Run the real program from its start; `forked.mlgit` and the `cli` fixture are faster where that is not what is tested."""
    return program(root, [sys.executable, "-m", "mlgit", *args], env=env, stdin=stdin)
