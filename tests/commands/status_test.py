"""The state of a pipeline, from Python."""

from __future__ import annotations

from mlgit.commands.run import run
from mlgit.commands.status import status
from mlgit.errors import EXIT_NO, EXIT_YES


def test_stale_stages_come_with_their_reasons(notebook):
    notebook()
    found = status()
    assert [(each.stage.name, each.state) for each in found.stale] == [("prepare", "stale"), ("train", "stale")]
    assert all(each.reasons for each in found.stale)
    assert found.exit_code == EXIT_NO


def test_nothing_is_stale_after_a_run(notebook):
    notebook()
    run()
    found = status()
    assert (found.stale, found.exit_code, found.document()["up_to_date"]) == ((), EXIT_YES, True)
    assert [each.stage.name for each in status(["prepare"]).stages] == ["prepare"]
