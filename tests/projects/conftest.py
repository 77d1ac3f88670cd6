"""Stages run with this Python, and a project that is begun once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.kit import example
from tests.projects.kit import Call, Project, prepared


@pytest.fixture
def play(tmp_path: Path, shared: Path, cli: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    """`play("retrieval", FILES)`: a project of one's own."""
    monkeypatch.setenv("PATH", example.environment()["PATH"])

    def start(name: str, files: Mapping[str, str]) -> Project:
        return prepared(shared, tmp_path, cli, files, name=name)

    return start
