from __future__ import annotations

from mlgit.monitoring import last_run


def test_moment_is_read_back(tmp_path):
    last_run.record(tmp_path, model="churn", environment="prod", clock=lambda: 1_777_852_740.5)
    assert last_run.read(tmp_path, model="churn", environment="prod") == 1_777_852_740.5


def test_models_and_environments_are_kept_apart(tmp_path):
    for place, (model, environment) in enumerate([("a", "prod"), ("a", "dev"), ("dir:a", "prod"), ("dir/a", "prod")]):
        last_run.record(tmp_path, model=model, environment=environment, clock=lambda place=place: place)
    assert last_run.read(tmp_path, model="dir:a", environment="prod") == 2
    assert last_run.read(tmp_path, model="a", environment="prod") == 0


def test_clone_that_never_looked_knows_nothing(tmp_path):
    assert last_run.read(tmp_path, model="churn", environment="prod") is None


def test_moment_that_a_commit_brings_is_not_believed(tmp_path):
    last_run.record(tmp_path, model="churn", environment="prod", clock=lambda: 5.0)
    note = tmp_path / ".dvc/tmp/mlgit/monitor/churn@prod"
    note.write_bytes(note.read_bytes().replace(b"5.0", b"9.0"))
    assert last_run.read(tmp_path, model="churn", environment="prod") is None
