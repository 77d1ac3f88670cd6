"""Two projects in one repository, each with a model `churn`: names seen from any folder lead to the model's own project."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.kit import commit, dvc, git, lock, repository, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import FILES, RAW

pytestmark = pytest.mark.slow  # real repositories, many times

PROD = "environments: [{name: prod}]\n"
DEPTHS = {"svc/p1": 3, "svc/p2": 5}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """No project at the top; `svc/p1` and `svc/p2` were run, and their models registered from their own folders."""
    root = tmp_path_factory.mktemp("template") / "mono"
    for folder, depth in DEPTHS.items():
        own = {"params.yaml": f"train: {{depth: {depth}}}\n", "data/raw.csv": RAW, "mlgit.yaml": FILES["mlgit.yaml"] + PROD}
        repository(root / folder, FILES | own)
        shutil.rmtree(root / folder / ".git")
    git(root, "init", "--quiet")
    for args in (("add", "data/raw.csv"), ("run",), ("model", "register", "churn")):
        for folder in DEPTHS:
            done = mlgit(root / folder, *args)
            assert done.code == 0, done.said
        commit(root)
    return root


@pytest.fixture
def root(template, tmp_path):
    return shutil.copytree(template, tmp_path / "mono", symlinks=True)


NAMES = [
    (".", "svc/p1:churn", "svc/p1"),
    (".", "svc/p2:churn@v0.0.1", "svc/p2"),
    (".", "svc/p2/dvc.yaml:churn", "svc/p2"),
    ("svc", "p1:churn", "svc/p1"),
    ("svc/p1", "churn", "svc/p1"),
    ("svc/p1/src", "churn@latest", "svc/p1"),
    ("svc/p1/src", "svc/p2:churn", "svc/p2"),
    ("svc/p1", "p2:churn", "svc/p2"),
]


@pytest.mark.parametrize(("folder", "name", "project"), NAMES)
def test_name_leads_to_its_own_project_from_any_folder(folder, name, project, root, cli, tmp_path):
    out = tmp_path / "model.json"
    done = cli(root / folder, "model", "get", name, "-o", out)
    assert (done.code, json.loads(out.read_text())["learner"]["depth"]) == (0, DEPTHS[project]), done.said
    assert cli(root / folder, "model", "stamp", name).json["name"] == f"{project}:churn"
    assert cli(root / folder, "model", "show", name, "--json").json["name"] == f"{project}:churn"
    assert cli(root / folder, "model", "history", name.partition("@")[0], "--json").json["name"] == f"{project}:churn"
    assert cli(root / folder, "model", "audit", name, "--json").json["artifact"] == f"{project}:churn"


def test_bytes_are_those_that_dvc_gets(root, cli, tmp_path):
    for folder in DEPTHS:
        done = dvc(root, "artifacts", "get", ".", f"{folder}:churn", "-o", str(tmp_path / "dvc.json"), "--force")
        assert done.code == 0, done.said
        assert cli(root, "model", "get", f"{folder}:churn", "-o", tmp_path / "mlgit.json", "--force").code == 0
        assert (tmp_path / "mlgit.json").read_bytes() == (tmp_path / "dvc.json").read_bytes()


def test_writing_commands_work_from_the_top(root, cli):
    write_tree(root, {"svc/p2/params.yaml": "train: {depth: 4}\n"})
    assert cli(root / "svc/p2", "run").code == 0
    commit(root)
    for args in (
        ("register", "svc/p2:churn", "--bump", "minor"),
        ("promote", "svc/p2:churn", "prod"),
        ("promote", "svc/p2:churn@v0.0.1", "prod"),
        ("rollback", "svc/p2:churn", "prod", "-m", "slow"),
        ("unassign", "svc/p2:churn", "prod", "-m", "gone"),
        ("retire", "svc/p2:churn@v0.1.0", "-m", "old"),
    ):
        done = cli(root, "model", *args)
        assert done.code == 0, (args, done.said)
    assert git(root, "tag", "--list", "svc/p2=*").count("\n") == 6
    assert git(root, "tag", "--list", "svc/p1=*") == "svc/p1=churn@v0.0.1"


def test_environments_are_those_of_the_models_own_project(root, cli):
    write_tree(root, {"svc/p1/mlgit.yaml": FILES["mlgit.yaml"] + "environments: [{name: staging}]\n"})
    commit(root)
    assert cli(root / "svc/p2", "model", "promote", "svc/p1:churn", "prod").code == 2
    assert cli(root / "svc/p1", "model", "promote", "svc/p2:churn", "prod").code == 0


def test_verify_at_the_top_looks_for_the_bytes_of_every_project(root, cli):
    assert cli(root, "model", "verify").code == 0
    shutil.rmtree(root / "svc/p2/.dvc/cache/files")
    (root / "svc/p2/models/churn.json").unlink()
    found = cli(root, "model", "verify", "--json").json["findings"]
    assert [(each["kind"], each["tag"]) for each in found] == [("gone", "svc/p2=churn@v0.0.1")]


def test_file_and_digest_are_found_from_the_top(root, cli):
    for subject in ("svc/p2/models/churn.json", lock(root / "svc/p2")["stages"]["train"]["outs"][0]["md5"]):
        assert cli(root, "model", "audit", subject, "--json").json["artifact"] == "svc/p2:churn"


def test_submodule_has_a_registry_of_its_own(root, cli):
    git(root / "svc/p2", "init", "--quiet")
    git(root, "tag", "-am", "x", "svc/p2=churn@v0.2.0")
    for args in (("get", "svc/p2:churn"), ("register", "svc/p2:churn"), ("promote", "svc/p2:churn", "prod")):
        done = cli(root, "model", *args)
        assert (done.code, "'svc/p2' is a Git repository of its own" in done.err) == (2, True), done.said


def test_names_of_nothing_say_what_there_is(root, cli):
    assert "did you mean 'svc/p1:churn'?" in cli(root, "model", "get", "svc/p1:chrn").err
    assert "this repository has projects in: svc/p1, svc/p2" in cli(root, "status").err
    assert "this repository has projects in: svc/p1, svc/p2" in cli(root, "model", "register", "churn").err


def test_name_without_its_folder_is_told_which_folders_have_it(root, cli):
    done = cli(root, "model", "show", "churn")
    assert (done.code, "svc/p1:churn, svc/p2:churn" in done.said) == (2, True)
