from __future__ import annotations

import math

import pytest

from mlgit.experiments.run import (
    ChangedParamError,
    DeletedRecordError,
    ExistingRecordError,
    MetricPoint,
    MissingRecordError,
)
from mlgit.experiments.runs import RunStore
from tests.kit import git


@pytest.fixture
def store(tmp_path) -> RunStore:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return RunStore(tmp_path)


def test_run_is_read_as_it_was_logged(store):
    run = store.create(name="first", user="ada", start_time=5, tags={"who": "me"})
    points = [MetricPoint("loss", 0.5, 1, 1), MetricPoint("loss", math.inf, 2, 2)]
    store.log_batch(run.id, metrics=points, params={"lr": "0.1"}, tags={"more": "yes"})
    found = RunStore(store.root).get(run.id)
    assert (found.name, found.user, found.start_time, found.status) == ("first", "ada", 5, "RUNNING")
    assert found.params == {"lr": "0.1"}
    assert found.tags == {"who": "me", "more": "yes", "mlflow.runName": "first"}
    assert found.metrics == {"loss": points[1]}
    assert store.history(run.id, "loss") == points


def test_parameter_does_not_change(store):
    run = store.create()
    store.log_batch(run.id, params={"lr": "0.1"})
    with pytest.raises(ChangedParamError, match=r"was logged as '0\.1' before"):
        store.log_batch(run.id, params={"depth": "3", "lr": "0.2"})
    assert store.get(run.id).params == {"lr": "0.1"}


def test_run_that_ended_takes_more(store):
    run = store.create()
    store.update(run.id, status="FINISHED", end_time=9)
    store.log_batch(run.id, tags={"late": "yes"})
    found = store.get(run.id)
    assert (found.status, found.end_time, found.tags) == ("FINISHED", 9, {"late": "yes"})


def test_deleted_run_takes_nothing_until_it_is_restored(store):
    run = store.create()
    store.delete(run.id)
    with pytest.raises(DeletedRecordError):
        store.log_batch(run.id, tags={"a": "b"})
    store.restore(run.id)
    store.log_batch(run.id, tags={"a": "b"})
    assert store.get(run.id).deleted is None


def test_unknown_run_is_missed(store):
    for name in ("0" * 32, "../../heads/main", ""):
        with pytest.raises(MissingRecordError):
            store.get(name)


def test_experiment_has_the_same_id_in_every_clone(store):
    assert store.experiments.create("tumor").id == "1071926737809005241"
    with pytest.raises(ExistingRecordError):
        store.experiments.create("tumor")


def test_repository_is_sound(store):
    run = store.create()
    store.log_batch(run.id, metrics=[MetricPoint("loss", 0.5, 1, 1)], params={"lr": "0.1"})
    assert git(store.root, "fsck", "--strict", "--no-dangling").strip() == ""
