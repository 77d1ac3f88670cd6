"""Tracking data, from Python."""

from __future__ import annotations

import pytest

from mlgit.commands.add import add
from mlgit.errors import MlgitError


def test_path_is_tracked(notebook):
    root = notebook({})
    (root / "rows.csv").write_text("a\n")
    parts: list[float] = []
    result = add([root / "rows.csv"], watch=lambda _, part: parts.append(part))
    assert [(each.path, each.file) for each in result.tracked] == [("rows.csv", "rows.csv.dvc")]
    assert set(result.written) == {"rows.csv.dvc", ".gitignore"}
    assert add(["rows.csv"]).written == ()


def test_missing_path_is_an_error_and_nothing_is_touched(notebook):
    root = notebook({})
    (root / "rows.csv").write_text("a\n")
    with pytest.raises(MlgitError):
        add(["rows.csv", "nowhere.csv"])
    assert not (root / "rows.csv.dvc").exists()
