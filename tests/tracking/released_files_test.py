"""The files of released versions, for clients of MLflow: from the commit, from DVC's cache, or by `mlgit model get`."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.registry import tag_message
from mlgit.registry.tag_message import Body
from mlgit.tracking import addresses, released_files
from tests.kit import commit, git, repository, write_tree
from tests.kit.late import Late
from tests.registry import projects

Artifacts = Late("mlgit.tracking.artifact_repository")


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def release(root: Path, version: str, *, folder: str = "", **model: str) -> None:
    """Tag the commit as a version of churn whose model is as told."""
    text = tag_message.render(Body("Register churn", "", {"mlgit": 1, "model": model}))
    git(root, "tag", "-a", "--cleanup=verbatim", "-F", "-", f"{folder}churn@{version}", stdin=text)


def files(root: Path, artifact: str = "churn") -> dict[str, bytes]:
    """What version v1.0.0 holds, read as MLflow does."""
    place = root.parent / "out"
    store = Artifacts.MlflowArtifacts(addresses.artifacts_of(str(root), "registry", artifact, "v1.0.0"))
    place.mkdir()
    store.download_artifacts("", str(place))
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "repo").mkdir()
    return repository(tmp_path / "repo", {"train.py": "print(1)\n"})


def cache(root: Path, content: bytes, name: str = "") -> str:
    """Put bytes into DVC's cache, under their md5 or another name."""
    name = name or md5(content)
    write_tree(root / ".dvc/cache/files/md5", {f"{name[:2]}/{name[2:]}": content})
    return name


@pytest.mark.slow
def test_file_in_the_commit_is_delivered_as_it_was_there(root):
    write_tree(root, {"models/churn.json": "one"})
    commit(root)
    release(root, "v1.0.0", path="models/churn.json", md5=md5(b"one"))
    write_tree(root, {"models/churn.json": "two"})
    commit(root)
    assert files(root) == {"churn.json": b"one"}


@pytest.mark.slow
def test_file_of_skops_is_shown_as_a_folder_that_mlflow_loads(root):
    release(root, "v1.0.0", path="models/churn.skops", md5=cache(root, b"PK"), format="skops")
    found = files(root)
    assert found.keys() == {"churn.skops", "MLmodel"}
    assert b'pickled_model: "churn.skops"' in found["MLmodel"]


@pytest.mark.slow
def test_folder_in_the_cache_is_delivered_with_its_files(root):
    rows = [{"md5": cache(root, b"a"), "relpath": "MLmodel"}, {"md5": cache(root, b"b"), "relpath": "data/model.bin"}]
    listing = json.dumps(rows).encode()
    name = cache(root, listing, f"{md5(listing)}.dir")
    release(root, "v1.0.0", path="model", md5=name)
    assert files(root) == {"MLmodel": b"a", "data/model.bin": b"b"}
    store = Artifacts.MlflowArtifacts(addresses.artifacts_of(str(root), "registry", "churn", "v1.0.0"))
    assert [(each.path, each.is_dir, each.file_size) for each in store.list_artifacts()] == [
        ("MLmodel", False, 1),
        ("data", True, None),
    ]
    assert [each.path for each in store.list_artifacts("data")] == ["data/model.bin"]
    assert store.list_artifacts("MLmodel") == []


@pytest.mark.slow
def test_model_of_a_subfolder_is_found_there(root):
    write_tree(root, {"nlp/models/churn.json": "deep"})
    commit(root)
    release(root, "v1.0.0", folder="nlp=", path="models/churn.json", md5=md5(b"deep"))
    assert files(root, artifact="nlp:churn") == {"churn.json": b"deep"}


def test_bytes_that_are_not_those_recorded_are_not_delivered(root, tmp_path):
    release(root, "v1.0.0", path="models/churn.json", md5=cache(root, b"other", md5(b"one")))
    found = released_files.listing(root, released_files.find(root, "churn", "v1.0.0"))
    with pytest.raises(MlgitError, match="not what its name says"):
        released_files.write(root, found["churn.json"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("relpath", ["../x", "/etc/x", "a/../../x"])
def test_folder_that_names_files_outside_is_refused(root, relpath):
    listing = json.dumps([{"md5": cache(root, b"a"), "relpath": relpath}]).encode()
    release(root, "v1.0.0", path="model", md5=cache(root, listing, f"{md5(listing)}.dir"))
    with pytest.raises(MlgitError, match="outside the model's folder"):
        released_files.listing(root, released_files.find(root, "churn", "v1.0.0"))


def test_list_of_a_folder_that_is_damaged_is_refused(root):
    release(root, "v1.0.0", path="model", md5=cache(root, b"[]", f"{md5(b'x')}.dir"))
    with pytest.raises(MlgitError, match="not what its name says"):
        released_files.listing(root, released_files.find(root, "churn", "v1.0.0"))


def test_version_that_is_not_there_is_told(root):
    release(root, "v1.0.0", path="a", md5=md5(b"one"))
    with pytest.raises(MlgitError, match="version not found"):
        released_files.find(root, "churn", "v2.0.0")


def test_tag_that_does_not_tell_the_file_names_the_command(root):
    git(root, "tag", "-a", "-m", "By GTO", "churn@v1.0.0")
    with pytest.raises(MlgitError) as caught:
        released_files.listing(root, released_files.find(root, "churn", "v1.0.0"))
    assert "mlgit model get churn@v1.0.0" in caught.value.hint


@pytest.mark.slow
def test_what_only_the_remote_has_is_brought_by_mlgit(tmp_path, cli):
    (tmp_path / "repo").mkdir()
    root = projects.made(tmp_path / "repo", cli, remote=True)
    assert cli(root, "model", "register", "churn", "--version", "v1.0.0").code == 0
    shutil.copytree(root / ".dvc/cache/files", tmp_path / "repo-remote/files", dirs_exist_ok=True)
    model = (root / "models/churn.json").read_bytes()
    shutil.rmtree(root / ".dvc/cache")
    assert files(root) == {"churn.json": model}


@pytest.mark.slow
def test_files_of_a_version_are_not_changed_through_mlflow(root, tmp_path):
    from mlflow.exceptions import MlflowException

    release(root, "v1.0.0", path="models/churn.json", md5=cache(root, b"one"))
    store = Artifacts.MlflowArtifacts(addresses.artifacts_of(str(root), "registry", "churn", "v1.0.0"))
    write_tree(tmp_path, {"x": "x"})
    for change in (lambda: store.log_artifact(str(tmp_path / "x")), lambda: store.delete_artifacts("churn.json")):
        with pytest.raises(MlflowException, match="mlgit model register churn"):
            change()
