"""A notebook: the current folder is a project, and whatever is called there prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit import repository

PIPELINE = """\
stages:
  prepare:
    cmd: cp raw.csv rows.csv
    deps: [raw.csv]
    outs: [rows.csv]
  train:
    cmd: sed s/a/b/ rows.csv > model.txt
    deps: [rows.csv]
    params: [depth]
    outs: [model.txt]
"""
FILES = {"dvc.yaml": PIPELINE, "raw.csv": "a\n1\n", "params.yaml": "depth: 3\n"}


@pytest.fixture
def notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Path]]:
    """`notebook(files)` goes to a new project with these files; at the end nothing may have been printed."""

    def start(files: dict[str, str] | None = None) -> Path:
        root = repository(tmp_path / "project", FILES if files is None else files)
        monkeypatch.chdir(root)
        capfd.readouterr()
        return root

    yield start
    assert tuple(capfd.readouterr()) == ("", "")
