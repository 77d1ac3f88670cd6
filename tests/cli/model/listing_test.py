"""What `mlgit model list` may cost: which modules it imports and how many processes it starts, however many tags there are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.registry.histories import START, chained, commits, tag

# Slow to import, and no use for a list.
_HEAVY = {"click", "dataclasses", "inspect", "datetime", "difflib", "logging", "asyncio", "tempfile", "shutil", "tomllib"}
_HEAVY |= {"dvc", "dvc_data", "git", "gitdb", "gto", "pygit2", "dulwich", "ruamel", "yaml", "numpy", "pandas", "rich"}
_CODE = """\
from mlgit.cli.error_boundary import run
code = run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def _counting_git(folder: Path) -> Path:
    """A folder with a `git` that writes down each call and does it."""
    folder.mkdir()
    real = shutil.which("git")
    (folder / "git").write_text(f'#!/bin/sh\necho "$*" >> "{folder}/calls"\nexec "{real}" "$@"\n')
    (folder / "git").chmod(0o755)
    return folder


@pytest.mark.parametrize("arguments", [["model", "list", "--json"], ["model", "list"]])
def test_list_imports_little_and_asks_git_twice(tmp_path: Path, arguments: list[str]) -> None:
    root, programs = tmp_path / "repository", _counting_git(tmp_path / "bin")
    root.mkdir()
    place = commits(root, 1)[0]
    for number in range(5):
        tag(root, f"churn{number}@v1.0.0", place, when=START, text=chained(root, event="register"))
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys\nsys.path[:] = {sys.path!r}\n{_CODE}", *arguments],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    if "--json" in arguments:
        assert len(json.loads(done.stdout)["models"]) == 5
    assert {name.partition(".")[0] for name in done.stderr.split()} & _HEAVY == set()
    assert (programs / "calls").read_text().count("\n") == 2
