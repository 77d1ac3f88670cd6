"""`example-project/`: the tabular template rendered and run. `python -m tests.kit.example` makes it anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMITTED = Path(__file__).parents[2] / "example-project"


def environment() -> dict[str, str]:
    """The environment in which a stage's `python` is this one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}


def build(folder: Path) -> Path:
    """Make the project in `folder`, run it, write its card, and return its path; everything it commits is staged in Git."""
    project = folder / COMMITTED.name
    for cwd, argv in (
        (folder, [sys.executable, "-m", "mlgit", "new", COMMITTED.name, "--defaults"]),
        (project, [sys.executable, "-m", "mlgit", "run"]),
        (project, [sys.executable, "-m", "mlgit", "card", "build", "--reviewed", "all"]),
        (project, ["git", "add", "--all"]),
    ):
        subprocess.run(argv, cwd=cwd, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return project


def files(project: Path) -> dict[str, bytes]:
    """What Git would commit of a project: path -> bytes."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached"], cwd=project, check=True, capture_output=True).stdout
    return {path: (project / path).read_bytes() for path in listed.decode().split("\0") if path}


def main() -> None:
    """Replace the committed example by what mlgit makes today."""
    with tempfile.TemporaryDirectory() as folder:
        contents = files(build(Path(folder)))
    shutil.rmtree(COMMITTED, ignore_errors=True)
    for path, content in contents.items():
        (COMMITTED / path).parent.mkdir(parents=True, exist_ok=True)
        (COMMITTED / path).write_bytes(content)


if __name__ == "__main__":
    main()
