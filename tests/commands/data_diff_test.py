"""`data_diff` as a notebook would call it."""

from __future__ import annotations

import pytest

from mlgit.commands.data_diff import data_diff
from tests.kit import write_tree
from tests.kit.contract_projects import FILE, LOOSER, project

pytestmark = pytest.mark.slow  # a repository


def test_contracts_of_both_sides_are_values(tmp_path, monkeypatch):
    root = project(tmp_path / "project")
    write_tree(root, {FILE: LOOSER})
    monkeypatch.chdir(root)
    found = data_diff(view="consumer")
    assert [(each.path, each.direction) for each in found.contracts[0].changes] == [("age.maximum", "loosens")]
    assert (found.exit_code, found.base, found.head) == (1, "HEAD", "workspace")
    assert data_diff("HEAD", "HEAD").exit_code == 0
