"""Outputs that name a DVC remote of their own (`remote:`): every command asks that one for them, and DVC agrees."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from tests.kit import commit, dvc, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import FILES, RAW

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

DECLARED = FILES["dvc.yaml"].replace("outs: [models/churn.json]", "outs:\n    - models/churn.json: {remote: vault}")
DECLARED = DECLARED.replace(
    "outs: [reports/predictions.csv]",
    "outs:\n    - reports/predictions.csv\n    - reports/parts: {remote: vault}",
)
EVALUATE = FILES["src/evaluate.sh"] + "\nmkdir -p reports/parts && echo a > reports/parts/a && echo b > reports/parts/b\n"
CONFIG = FILES["mlgit.yaml"].replace("auc:", "accuracy:") + (
    "gates:\n  rules:\n  - {id: kept, kind: no_worse, metric: accuracy, margin: 0.1}\nenvironments:\n  - {name: prod}\n"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project with two remotes, a released model in the one that is not the default, and everything pushed by DVC."""
    root = repository(tmp_path_factory.mktemp("own") / "project")
    write_tree(root, {**FILES, "dvc.yaml": DECLARED, "src/evaluate.sh": EVALUATE, "mlgit.yaml": CONFIG, "data/raw.csv": RAW})
    for argv in (
        ("remote", "add", "-d", "store", "../../store"),
        ("remote", "add", "vault", "../../vault"),
        ("add", "--quiet", "data/raw.csv"),
    ):
        assert dvc(root, *argv).code == 0
    data = root / "data/raw.csv.dvc"
    data.write_text(data.read_text() + "  remote: vault\n")
    assert mlgit(root, "run").code == 0
    commit(root)
    for words in (
        ["model", "register", "churn", "--version", "v1.0.0"],
        ["model", "promote", "churn@v1.0.0", "prod", "--override", "x"],
    ):
        done = mlgit(root, *words)
        assert done.code == 0, done.said
    return root


def emptied(root):
    for path in (".dvc/cache", ".dvc/tmp", "data", "models", "reports"):
        shutil.rmtree(root / path, ignore_errors=True)
    git(root, "restore", ".")
    return root


@pytest.fixture
def pushed(built, tmp_path):
    """The project in a folder of its own, with its remotes, and nothing of what DVC keeps in the clone."""
    root = shutil.copytree(built, tmp_path / "a/project", symlinks=True)
    assert dvc(root, "push").code == 0
    return emptied(root)


def names(root, remote):
    return {path.parent.name + path.name for path in (root.parent.parent / remote / "files/md5").glob("*/*")}


def test_it_is_run_by_mlgit_itself_and_recorded_as_dvc_records_it(built, tmp_path):
    ours, theirs = (emptied(shutil.copytree(built, tmp_path / name / "project", symlinks=True)) for name in "ab")
    for root in (ours, theirs):
        shutil.copytree(built / "data", root / "data", dirs_exist_ok=True)
        (root / "dvc.lock").unlink()
    assert mlgit(ours, "run").code == 0
    assert dvc(theirs, "repro", "--quiet").code == 0
    assert (ours / "dvc.lock").read_text() == (theirs / "dvc.lock").read_text()
    assert dvc(ours, "push").code == dvc(theirs, "push").code == 0
    assert names(ours, "vault") == names(theirs, "vault") != set()
    assert names(ours, "store") == names(theirs, "store") != set()


def test_pull_computes_nothing(pushed):
    done = mlgit(pushed, "run", "--pull", "--json")
    assert (done.code, done.json["counts"]["ran"]) == (0, 0), done.said
    assert (pushed / "reports/parts/b").read_text() == "b\n"
    assert (pushed / "data/raw.csv").read_text() == RAW
    assert dvc(pushed, "status").out.strip() == "Data and pipelines are up to date."


def test_a_result_of_an_earlier_run_is_looked_for_in_all_of_them(pushed):
    assert dvc(pushed, "pull", "--quiet").code == 0
    shutil.rmtree(pushed / ".dvc/cache/runs", ignore_errors=True)
    git(pushed, "rm", "-q", "--cached", "dvc.lock")
    assert mlgit(pushed, "run", "--force").code == 0
    assert dvc(pushed, "push", "--run-cache").code == 0
    shutil.rmtree(pushed / ".dvc/cache")
    (pushed / "dvc.lock").unlink()
    (pushed / "models/churn.json").unlink()
    done = mlgit(pushed, "run", "--pull", "--json")
    assert done.json["counts"]["ran"] == 0, done.said


def test_workers_fetch_from_them_and_hand_in_to_them(pushed):
    pytest.importorskip("distributed")
    before = names(pushed, "vault")
    write_tree(pushed, {"params.yaml": "train: {depth: 5}\n"})
    commit(pushed)
    done = mlgit(pushed, "run", "--executor", "dask", "-j1", "--json")
    assert done.code == 0, done.said
    model = hashlib.md5((pushed / "models/churn.json").read_bytes()).hexdigest()
    assert names(pushed, "vault") == before | {model}
    assert model not in names(pushed, "store")
    assert dvc(pushed, "status", "--cloud", "--json").json == {}


@pytest.mark.parametrize("lost", ["vault", "store"])
def test_what_is_not_mounted_is_not_gone(pushed, lost):
    shutil.move(pushed.parent.parent / lost, pushed.parent.parent / "away")
    done = mlgit(pushed, "run", "--pull")
    assert done.code in (1, 2)
    assert f"the DVC remote '{lost}'" in done.said
    assert "could not be asked" in done.said


def test_without_one_of_them_the_other_still_serves(pushed):
    shutil.rmtree(pushed.parent.parent / "store")
    done = mlgit(pushed, "run", "--pull", "--compute-if-unreachable", "--json")
    assert done.code == 0, done.said
    states = {each["name"]: each["state"] for each in done.json["stages"]}
    assert (states["prepare"], states["data/raw.csv.dvc"]) == ("ran", "restored")
    assert states["train"] != "ran"


def test_the_model_is_had_and_found(pushed):
    got = mlgit(pushed, "model", "get", "churn", "-o", "model.json", "--json")
    assert (got.code, got.json["from"]) == (0, "remote"), got.said
    shutil.rmtree(pushed / ".dvc/cache")
    assert mlgit(pushed, "model", "verify", "--offline").code == 0
    assert "gone" not in mlgit(pushed, "model", "audit", "churn").said
    done = mlgit(pushed, "model", "register", "churn", "--version", "v1.1.0", "--dry-run")
    assert "nowhere" not in done.said


def test_a_lost_object_is_gone_and_a_remote_that_nobody_configured_could_not_be_asked(pushed):
    shutil.rmtree(pushed.parent.parent / "vault/files")
    done = mlgit(pushed, "model", "get", "churn", "-o", "model.json")
    assert (done.code, "nor in the DVC remote 'vault'" in done.said) == (2, True), done.said
    assert mlgit(pushed, "model", "verify", "--offline").code == 1
    assert dvc(pushed, "remote", "remove", "vault").code == 0
    for words in (["model", "get", "churn", "-o", "model.json"], ["model", "verify", "--offline"], ["run", "--pull"]):
        done = mlgit(pushed, *words)
        assert "the DVC remote 'vault' could not be asked: outputs name it" in done.said, done.said
        assert done.code == 2, done.said


def test_gate_and_diff_fetch_the_baseline(pushed):
    write_tree(
        pushed,
        {"dvc.yaml": DECLARED.replace("    - reports/predictions.csv\n", "    - reports/predictions.csv: {remote: vault}\n")},
    )
    git(pushed, "add", "-A")
    commit(pushed)
    assert mlgit(pushed, "run", "--pull").code == 0
    assert dvc(pushed, "push").code == 0
    write_tree(pushed, {"params.yaml": "train: {depth: 4}\n"})
    assert mlgit(pushed, "run").code == 0
    shutil.rmtree(pushed / ".dvc/cache")
    done = mlgit(pushed, "gate", "--pull", "HEAD", "--json")
    assert not any("not in the cache" in str(each) for each in done.json["rules"]), done.said


def test_without_a_default_remote_those_of_the_outputs_serve(pushed):
    assert dvc(pushed, "remote", "default", "--unset").code == 0
    done = mlgit(pushed, "model", "get", "churn", "-o", "model.json", "--json")
    assert (done.code, done.json["from"]) == (0, "remote"), done.said
    assert mlgit(pushed, "run", "--pull", "data/raw.csv.dvc").code == 0


def test_data_stays_in_its_remote_when_it_is_added_anew(pushed):
    assert dvc(pushed, "pull", "--quiet").code == 0
    other = shutil.copytree(pushed, pushed.parent.parent / "b/project", symlinks=True)
    for root, command in ((pushed, mlgit), (other, dvc)):
        (root / "data/raw.csv").write_text(RAW + "30,1,1\n")
        assert command(root, "add", "data/raw.csv").code == 0
    assert (pushed / "data/raw.csv.dvc").read_text() == (other / "data/raw.csv.dvc").read_text()
    assert "remote: vault" in (other / "data/raw.csv.dvc").read_text()


def test_remotes_are_named_in_any_case_and_lead_on_from_one_another(tmp_path):
    pipeline = "stages: {a: {cmd: cp in a, deps: [in], outs: [a: {remote: Vault}]}}\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline, "in": "1\n"})
    for words in (["add", "Base", str(tmp_path / "base")], ["add", "VAULT", "remote://base/below"]):
        assert dvc(root, "remote", *words).code == 0
    assert mlgit(root, "run").code == 0
    assert dvc(root, "push").code == 0
    assert list((tmp_path / "base/below/files/md5").glob("*/*"))
    shutil.rmtree(root / ".dvc/cache")
    (root / "a").unlink()
    done = mlgit(root, "run", "--pull", "--json")
    assert (done.code, done.json["counts"]["restored"]) == (0, 1), done.said
    shutil.rmtree(root / ".dvc/cache")
    (root / "a").unlink()
    shutil.move(tmp_path / "base", tmp_path / "away")
    done = mlgit(root, "run", "--pull")
    assert (done.code, "could not be asked" in done.said) == (2, True), done.said


def test_folder_as_an_address_is_refused_as_dvc_takes_it_for_a_relative_path(tmp_path):
    root = repository(tmp_path / "project", {"dvc.yaml": "stages: {a: {cmd: cp in a, deps: [in], outs: [a]}}\n", "in": "1\n"})
    assert dvc(root, "remote", "add", "-d", "store", f"file://{tmp_path}/store").code == 0
    done = mlgit(root, "run", "--pull")
    assert (done.code, f"url {tmp_path}/store" in done.err) == (2, True), done.said
    assert mlgit(root, "run").code == 0
    assert dvc(root, "push").code == 0
    assert (root / "file:").is_dir()
