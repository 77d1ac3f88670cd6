"""A model's bytes: found by digest wherever they are, checked, and never half there."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.registry.deliver import deliver
from tests.kit import dvc, git
from tests.registry.projects import PIPELINE, at, facts, made

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


@pytest.fixture
def root(tmp_path, cli):
    return made(tmp_path / "project", cli, remote=True)


def brought(root, target, model=None, *, force=False):
    commit = git(root, "rev-parse", "HEAD")
    return deliver(at(root, commit), model or facts(root).model, target, force=force)


def test_bytes_come_from_the_cache_and_are_checked(root, tmp_path):
    found = brought(root, tmp_path / "new" / "model.json")
    model = facts(root).model
    assert found.path.read_bytes() == (root / "models/churn.json").read_bytes()
    assert (found.place, found.md5, found.sha256, found.size) == ("cache", model.md5, model.sha256, model.size)
    assert os.access(found.path, os.W_OK)
    assert os.listdir(tmp_path / "new") == ["model.json"]


def test_place_may_be_relative(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert brought(root, Path("model.json")).path == tmp_path / "model.json"


def test_bytes_come_from_the_remote(root, tmp_path):
    model = facts(root).model
    assert dvc(root, "push", "-q").code == 0
    shutil.rmtree(root / ".dvc" / "cache")
    found = brought(root, tmp_path / "model.json", model)
    assert (found.place, found.path.read_bytes()) == ("remote", (root / "models/churn.json").read_bytes())


def test_damaged_object_of_the_cache_is_fetched_anew(root, tmp_path):
    model = facts(root).model
    content = (root / "models/churn.json").read_bytes()
    assert dvc(root, "push", "-q").code == 0
    path = root / ".dvc/cache/files/md5" / model.md5[:2] / model.md5[2:]
    path.chmod(0o644)
    path.write_text("other")
    path.chmod(0o444)
    found = brought(root, tmp_path / "model.json", model)
    assert (found.place, found.path.read_bytes()) == ("remote", content)


def test_what_is_nowhere_is_an_error_that_names_the_remote(root, tmp_path):
    model = facts(root).model
    shutil.rmtree(root / ".dvc" / "cache")
    (root.parent / f"{root.name}-remote").mkdir()
    with pytest.raises(MlgitError, match="neither in the cache nor in the DVC remote 'there'"):
        brought(root, tmp_path / "model.json", model)
    assert not (tmp_path / "model.json").exists()


def test_other_bytes_than_recorded_never_appear(root, tmp_path):
    model = dataclasses.replace(facts(root).model, sha256="0" * 64)
    with pytest.raises(MlgitError, match="are not those that the version records"):
        brought(root, tmp_path / "out" / "model.json", model)
    assert os.listdir(tmp_path / "out") == []


def test_what_lies_there_is_replaced_by_force_only(root, tmp_path):
    target = tmp_path / "model.json"
    brought(root, target)
    assert brought(root, target).place == "there"
    target.write_text("mine")
    with pytest.raises(MlgitError, match="exists with different content"):
        brought(root, target)
    assert target.read_text() == "mine"
    assert brought(root, target, force=True).place == "cache"
    assert target.read_bytes() == (root / "models/churn.json").read_bytes()


def test_folder_is_delivered_and_replaced_as_a_whole(tmp_path, cli):
    pipeline = PIPELINE.replace("outs: [models/churn.json]", "outs: [models]")
    for key in ("path: ", "src/evaluate.sh, "):
        pipeline = pipeline.replace(f"{key}models/churn.json", f"{key}models")
    root = made(tmp_path / "project", cli, {"dvc.yaml": pipeline})
    found = brought(root, tmp_path / "model")
    assert (found.place, os.listdir(found.path)) == ("cache", ["churn.json"])
    (tmp_path / "model" / "mine").write_text("x")
    with pytest.raises(MlgitError, match="exists with different content"):
        brought(root, tmp_path / "model")
    brought(root, tmp_path / "model", force=True)
    assert os.listdir(tmp_path / "model") == ["churn.json"]
    assert sorted(os.listdir(tmp_path)) == ["model", "project"]


def test_model_that_git_keeps_comes_from_the_commit(tmp_path, cli):
    pipeline = PIPELINE.replace("outs: [models/churn.json]", "outs: [{models/churn.json: {cache: false}}]")
    root = made(tmp_path / "project", cli, {"dvc.yaml": pipeline})
    content = (root / "models/churn.json").read_bytes()
    (root / "models/churn.json").write_text("later")
    found = brought(root, tmp_path / "model.json")
    assert (found.place, found.path.read_bytes()) == ("git", content)
