from __future__ import annotations

import pytest

from mlgit.tracking.opened_runs import open_runs
from tests.kit import git, repository


@pytest.fixture(autouse=True)
def forgotten():
    open_runs.cache_clear()
    yield
    open_runs.cache_clear()


@pytest.mark.parametrize("is_server", [False, True])
def test_code_is_kept_by_who_runs_it_and_not_by_a_server(tmp_path, monkeypatch, is_server):
    root = repository(tmp_path / "repo", {"train.py": "print(1)\n"})
    if is_server:
        monkeypatch.setenv("_MLFLOW_SERVER_FILE_STORE", f"mlgit://{root}")
    store = open_runs(root)
    run_id = store.create().id
    store.update(run_id, status="FINISHED")
    assert store.get(run_id).code == ("" if is_server else git(root, "rev-parse", "HEAD^{tree}"))
    assert open_runs(root) is store
