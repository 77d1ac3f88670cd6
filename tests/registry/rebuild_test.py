"""Versions made again in a place of their own: the same bytes, the same metrics, or what differs."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.registry.rebuild import rebuild
from tests.kit import commit, dvc, git, repository, write_tree
from tests.registry.projects import FILES, at, facts, fill, made, ran

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    """Where to look for leftovers."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert not [name for name in os.listdir(tmp_path / "temporary") if name.startswith("mlgit-reproduce-")]


def rebuilt(root, revision="HEAD", *, keep=False):
    return rebuild(at(root, revision), facts(root, revision=revision), keep=keep)


def everything(root: Path) -> dict[str, bytes]:
    """All files of a project and its cache, apart from what commands note down for themselves."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in found
        if ".git/" not in str(path) and ".dvc/tmp" not in str(path)
    }


def test_same_commit_gives_the_same_bytes_and_touches_nothing(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    old = facts(root)
    write_tree(root, {"params.yaml": "train: {depth: 5}\n"})
    ran(root, cli)
    write_tree(root, {"params.yaml": "train: {depth: 7}\n", "mine": "x"})
    before = everything(root)
    found = rebuilt(root, "HEAD~1")
    assert (found.outcome, found.md5, found.sha256, found.differing) == ("identical", old.model.md5, old.model.sha256, ())
    assert everything(root) == before
    assert git(root, "worktree", "list").count("\n") == 0


@pytest.mark.slow
def test_data_comes_from_the_remote_and_the_cache_stays_empty(tmp_path, cli):
    root = made(tmp_path / "project", cli, remote=True)
    assert dvc(root, "push", "-q").code == 0
    shutil.rmtree(root / ".dvc" / "cache")
    shutil.rmtree(root / "data")
    before = everything(root)
    assert rebuilt(root).outcome == "identical"
    assert everything(root) == before


def test_data_that_is_nowhere_is_an_error(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    found = facts(root)
    shutil.rmtree(root / ".dvc" / "cache")
    with pytest.raises(MlgitError, match=r"data/raw.csv: neither in the cache nor in a DVC remote"):
        rebuild(at(root, found.commit), found)


def test_predictions_tell_of_a_model_without_a_metrics_file(tmp_path, cli):
    random = FILES["src/train.sh"] + "head -c 8 /dev/urandom | od -An -tx1 >> models/churn.json\n"
    config = FILES["mlgit.yaml"].replace("    metrics: reports/metrics.json\n", "")
    root = made(tmp_path / "project", cli, {"src/train.sh": random, "mlgit.yaml": config})
    assert rebuilt(root).outcome == "equal metrics"
    other = FILES["src/evaluate.sh"] + "tail -n 1 models/churn.json >> reports/predictions.csv\n"
    write_tree(root, {"src/evaluate.sh": other})
    ran(root, cli)
    found = rebuilt(root)
    assert found.outcome == "different"
    assert "reports/predictions.csv: other predictions than recorded" in found.differing


@pytest.mark.slow
def test_data_outside_of_the_project_is_read_where_it_lies(tmp_path, cli):
    outside = tmp_path / "outside.csv"
    outside.write_text("a,b\n1,2\n")
    pipeline = FILES["dvc.yaml"].replace("src/prepare.sh, data/raw.csv", f"src/prepare.sh, data/raw.csv, {outside}")
    root = made(tmp_path / "project", cli, {"dvc.yaml": pipeline})
    md5 = hashlib.md5(outside.read_bytes()).hexdigest()
    write_tree(root, {f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}": outside.read_bytes()})
    before = outside.stat()
    assert rebuilt(root).outcome == "identical"
    assert (outside.stat().st_ino, outside.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.slow
def test_other_bytes_with_the_same_metrics(tmp_path, cli):
    random = FILES["src/train.sh"] + "head -c 8 /dev/urandom | od -An -tx1 >> models/churn.json\n"
    root = made(tmp_path / "project", cli, {"src/train.sh": random})
    found = rebuilt(root)
    assert (found.outcome, found.differing) == ("equal metrics", ("models/churn.json: other content than recorded",))


@pytest.mark.slow
def test_other_metrics_are_listed(tmp_path, cli):
    random = FILES["src/train.sh"].replace("depth=$(", "sleep 0; depth=$(cat ../depth || ")
    (tmp_path / "depth").write_text("4")
    root = made(tmp_path / "project", cli, {"src/train.sh": random})
    found = rebuilt(root)
    assert found.outcome == "different"
    assert found.differing == ("models/churn.json: other content than recorded", "auc: 0.4 → 0.3", "nested.loss: 4.0 → 3.0")


def test_failing_stage_is_named(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    found = facts(root)
    write_tree(root, {"src/train.sh": "exit 7\n"})
    broken = commit(root)
    failed = rebuild(at(root, broken), facts(root, revision=broken))
    assert failed.outcome == "failed"
    assert "stage 'train' failed" in failed.differing[0]
    assert found.stale == ()


@pytest.mark.slow
def test_project_in_a_folder_of_the_repository(tmp_path, cli):
    top = repository(tmp_path / "mono")
    shutil.copytree(top / ".dvc", top / "team" / ".dvc")
    fill(top / "team", cli)
    assert rebuilt(top / "team").outcome == "identical"


@pytest.mark.slow
def test_folder_is_kept_when_asked_for(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    found = rebuilt(root, keep=True)
    assert (Path(found.folder) / "models/churn.json").exists()
    git(root, "worktree", "remove", "--force", found.folder)
    shutil.rmtree(Path(found.folder).parent)


def test_model_that_no_stage_makes_cannot_be_made_again(tmp_path, cli):
    pipeline = "artifacts:\n  churn: {path: data/raw.csv}\n"
    root = made(tmp_path / "project", cli, {"dvc.yaml": pipeline})
    with pytest.raises(MlgitError, match=r"no stage makes 'data/raw.csv'"):
        rebuilt(root)


SCRIPT = """\
import sys
from pathlib import Path
from mlgit import project as projects
from mlgit.cli import error_boundary
from mlgit.registry import commit_facts, rebuild
from mlgit.revision.revisions import Revisions
project = projects.find(Path(sys.argv[1]))
error_boundary._prepare_signals()
revision = Revisions(project).commit(sys.argv[2])
rebuild.rebuild(revision, commit_facts.collect(revision, "churn"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_behind(tmp_path, cli, number):
    root = made(tmp_path / "project", cli)
    os.mkfifo(tmp_path / "begun")
    write_tree(root, {"src/train.sh": f"echo $$ > {tmp_path}/begun; exec sleep 600\n"})
    oid = commit(root)
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(root), oid], stderr=subprocess.DEVNULL)
    stage = int((tmp_path / "begun").read_text())  # waits for the stage
    child.send_signal(number)
    assert child.wait(60) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(stage, 0)
    assert git(root, "worktree", "list").count("\n") == 0
