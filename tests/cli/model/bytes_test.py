"""What `verify`, `audit` and `rollback` say of bytes in a DVC remote that are not those recorded, or are nowhere."""

from __future__ import annotations

import shutil

import pytest
import yaml

from tests.kit import commit, dvc, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import FILES, RAW

pytestmark = pytest.mark.slow  # many real commands


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Two versions, the second in production, with their bytes in a remote alone."""
    root = repository(tmp_path_factory.mktemp("bytes") / "project")
    config = FILES["mlgit.yaml"].replace("auc:", "accuracy:") + "environments:\n- {name: prod}\n"
    write_tree(root, {**FILES, "mlgit.yaml": config, "data/raw.csv": RAW})
    assert dvc(root, "remote", "add", "-d", "store", "../../store").code == 0
    assert dvc(root, "add", "--quiet", "data/raw.csv").code == 0
    for version, depth in (("v1.0.0", 3), ("v2.0.0", 4)):
        write_tree(root, {"params.yaml": f"train: {{depth: {depth}}}\n"})
        done = mlgit(root, "run")
        assert done.code == 0, done.said
        commit(root)
        for words in (["register", "churn", "--version", version], ["promote", f"churn@{version}", "prod", "--override", "x"]):
            done = mlgit(root, "model", *words)
            assert done.code == 0, done.said
        assert dvc(root, "push").code == 0
    for path in (".dvc/cache", ".dvc/tmp", "data", "models", "reports"):
        shutil.rmtree(root / path)
    git(root, "restore", ".")
    return root


@pytest.fixture
def project(released, tmp_path):
    shutil.copytree(released.parent.parent / "store", tmp_path / "store")
    return shutil.copytree(released, tmp_path / "home/project", symlinks=True)


def model(project, version):
    """Where the remote keeps a version's model."""
    found = yaml.safe_load(git(project, "show", f"churn@{version}:dvc.lock"))["stages"]["train"]["outs"][0]["md5"]
    return project.parent.parent / "store/files/md5" / found[:2] / found[2:]


def damage(path, content):
    path.chmod(0o644)
    path.write_bytes(content)


def findings(project, *more):
    done = mlgit(project, "model", "verify", "--offline", "--json", *more)
    return done.code, [each["kind"] for each in done.json["findings"]], done


def test_another_size_is_damage_that_verify_sees_without_reading(project):
    damage(model(project, "v2.0.0"), b"cut short")
    code, kinds, done = findings(project)
    assert (code, kinds) == (1, ["damaged"])
    assert "the DVC remote 'store'" in done.json["findings"][0]["message"]
    audit = mlgit(project, "model", "audit", "churn@v2.0.0")
    assert (audit.code, "is damaged in the DVC remote" in audit.said) == (1, True)
    assert "damaged in the DVC remote, and nowhere else" in audit.said


def test_bytes_of_the_same_size_are_seen_with_deep(project):
    path = model(project, "v2.0.0")
    damage(path, path.read_bytes()[::-1])
    assert findings(project)[:2] == (0, [])
    assert findings(project, "--deep")[:2] == (1, ["damaged"])
    assert not list((project / ".dvc").rglob("cache/files/md5/*/*"))


def test_deep_reads_the_cache_too(project):
    assert dvc(project, "pull", "--quiet", "models/churn.json").code == 0
    path = model(project, "v2.0.0")
    there = project / ".dvc/cache/files/md5" / path.parent.name / path.name
    damage(there, there.read_bytes()[::-1])
    there.chmod(0o444)
    assert findings(project, "--deep")[:2] == (0, [])  # the remote has it
    path.unlink()
    assert findings(project, "--deep")[:2] == (0, [])  # and so has the workspace
    (project / "models/churn.json").unlink()
    assert findings(project, "--deep")[:2] == (1, ["gone"])


def test_there_is_no_rollback_to_what_is_damaged(project):
    damage(model(project, "v1.0.0"), b"")
    done = mlgit(project, "model", "rollback", "churn", "prod", "-m", "worse")
    assert (done.code, "the bytes of churn@v1.0.0 are damaged" in done.said) == (1, True), done.said


def test_without_a_remote_nobody_is_said_to_have_been_asked(project):
    assert dvc(project, "remote", "remove", "store").code == 0
    done = mlgit(project, "model", "verify", "--offline")
    assert (done.code, "neither in Git, nor in the cache, and there is no DVC remote" in done.said) == (1, True), done.said


def test_no_tag_and_nobody_asked_is_no_answer(tmp_path, cli):
    root = repository(tmp_path / "p")
    done = cli(root, "model", "verify", "--offline")
    assert (done.code, "this clone has no tag of a model, and no remote was asked" in done.out) == (2, True)
    assert cli(root, "model", "verify").code == 0


def test_repository_without_a_commit_has_nothing_to_register(tmp_path, cli):
    git(tmp_path, "init", "--quiet", "p")
    assert cli(tmp_path / "p", "init").code == 0
    done = cli(tmp_path / "p", "model", "register", "churn")
    assert (done.code, "there is no commit yet" in done.err) == (2, True)
