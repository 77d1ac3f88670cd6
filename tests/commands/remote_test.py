"""The use cases of remotes, called as a notebook would."""

from __future__ import annotations

import pytest

from mlgit.commands.remote import add_remote, list_remotes
from tests.kit import repository


@pytest.mark.slow  # real `dvc remote`, more than once
def test_remotes_are_added_and_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(repository(tmp_path / "p", {"dvc.yaml": "stages: {}\n"}))
    first, second = (add_remote(name, str(tmp_path / name)) for name in ("one", "two"))
    assert (first.is_default, second.is_default, second.is_writable) == (True, False, True)
    listed = list_remotes(check=True)
    assert [(each.name, each.is_default, each.trouble) for each in listed.remotes] == [("one", True, ""), ("two", False, "")]
