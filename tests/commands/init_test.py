"""Bringing mlgit into a repository, from Python."""

from __future__ import annotations

from mlgit.commands.init import init


def test_dry_run_tells_and_the_call_writes(notebook):
    root = notebook()
    told = init(root, dry_run=True)
    assert "mlgit.yaml" in told.done.written
    assert not (root / "mlgit.yaml").exists()
    assert init(root).done.written == told.done.written
    assert (root / "mlgit.yaml").exists()
    assert told.document()["next"][-1:] == ["mlgit gate"]
    assert "mlgit run" in told.document()["next"]
