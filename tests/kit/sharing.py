"""A project that ran once, with a bare repository and a DVC remote beside it."""

from __future__ import annotations

from pathlib import Path

from tests.kit import commit, git, repository
from tests.kit.forked import mlgit

PIPELINE = """\
stages:
  copy:
    cmd: mkdir -p made && cp in made/one && echo two > made/two && cp in kept && cat in in > secret
    deps: [in]
    outs: [made, {secret: {push: false}}]
    metrics: [{kept: {cache: false}}]
"""
CONFIG = "[core]\n    remote = there\n['remote \"there\"']\n    url = ../../there\n"


def make(top: Path) -> Path:
    """The project, committed and not pushed."""
    root = repository(top / "project", {"dvc.yaml": PIPELINE, "in": "1\n", ".dvc/config": CONFIG})
    assert mlgit(root, "run").code == 0
    commit(root)
    git(top, "init", "--quiet", "--bare", "origin.git")
    git(root, "remote", "add", "origin", "../origin.git")
    return root


def change(root: Path, text: str) -> str:
    """Other data, made and committed."""
    (root / "in").write_text(text)
    assert mlgit(root, "run").code == 0
    return commit(root)
