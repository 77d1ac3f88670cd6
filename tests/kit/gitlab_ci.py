"""GitLab's pipelines as data: their jobs, what a job types, and a job played on this machine as a runner would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.kit.programs import Completed, git

# What stands at the top of a file and is no job.
_NO_JOB = {"stages", "workflow", "variables", "default", "include", "spec"}
_INSTALLS = ("pip install ", "python -m venv ")


def jobs(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every job of a file, by name."""
    yield from ((name, job) for name, job in document.items() if name not in _NO_JOB)


def lines(job: Mapping[str, Any]) -> list[str]:
    """What the shell of a job is given."""
    return [*job.get("before_script", ()), *job.get("script", ())]


def checkout(origin: Path, folder: Path, commit: str) -> Path:
    """What a runner makes of a repository: every branch of origin, and the commit detached."""
    git(folder.parent, "init", "-q", folder.name)
    git(folder, "remote", "add", "origin", str(origin))
    refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", "+refs/merge-requests/*:refs/pipelines/*")
    git(folder, "fetch", "-q", "origin", *refs)
    git(folder, "checkout", "-q", "--detach", commit)
    return folder


def play(job: Mapping[str, Any], root: Path, env: Mapping[str, str]) -> Completed:
    """Type what a job types, but for installations: mlgit is there already, as `~/mlgit/bin/mlgit`."""
    home = root.parent / "home"
    program = home / "mlgit/bin/mlgit"
    if not program.exists():
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mlgit "$@"\n')
        program.chmod(0o755)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    given = {**os.environ, "GITLAB_CI": "true", "HOME": str(home), "PATH": path, "CI_PROJECT_DIR": str(root)}
    given |= {name: str(value) for name, value in job.get("variables", {}).items() if not str(value).startswith("$")}
    text = "\n".join(line for line in lines(job) if not line.startswith(_INSTALLS))
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", text], cwd=root, env=given | dict(env), capture_output=True, text=True
    )
    return Completed(done.returncode, done.stdout, done.stderr)
