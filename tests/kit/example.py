"""`example-project/`: the tabular template rendered and run. `python -m tests.kit.example` makes it anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

NAME = "example-project"
COMMITTED = Path(__file__).parents[2] / NAME


def environment() -> dict[str, str]:
    """The environment in which a stage's `python` is this one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}


def make_and_run(folder: Path) -> Path:
    """Make the project in `folder`, run it, and return its path."""
    _call(folder, sys.executable, "-m", "mlgit", "new", NAME, "--defaults", "--set", "model_name=tumor")
    _call(folder / NAME, sys.executable, "-m", "mlgit", "run")
    return folder / NAME


def add_card(project: Path) -> Path:
    """Write the card of a project that ran, and return its path; everything it commits is staged in Git."""
    _call(project, sys.executable, "-m", "mlgit", "card", "build", "--reviewed", "all")
    _call(project, "git", "add", "--all")
    return project


def forget(project: Path, output: str) -> None:
    """Take the result of one stage out of the cache of a project, so that this stage has to run and the others need not."""
    recorded = yaml.safe_load((project / "dvc.lock").read_text())["stages"].values()
    (digest,) = [row["md5"] for stage in recorded for row in stage["outs"] if row["path"] == output]
    cache = project / ".dvc/cache"
    (cache / "files/md5" / digest[:2] / digest[2:]).unlink()
    for path in [path for path in (cache / "runs").rglob("*") if path.is_file()]:
        if output in [row["path"] for row in yaml.safe_load(path.read_text())["outs"]]:
            path.unlink()


def _call(folder: Path, *argv: str) -> None:
    subprocess.run(argv, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)


def files(project: Path) -> dict[str, bytes]:
    """What Git would commit of a project: path -> bytes."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached"], cwd=project, check=True, capture_output=True).stdout
    return {path: (project / path).read_bytes() for path in listed.decode().split("\0") if path}


def main() -> None:
    """Replace the committed example by what mlgit makes today."""
    with tempfile.TemporaryDirectory() as folder:
        contents = files(add_card(make_and_run(Path(folder))))
    shutil.rmtree(COMMITTED, ignore_errors=True)
    for path, content in contents.items():
        (COMMITTED / path).parent.mkdir(parents=True, exist_ok=True)
        (COMMITTED / path).write_bytes(content)


if __name__ == "__main__":
    main()
