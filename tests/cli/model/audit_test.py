"""`mlgit model audit` on real repositories: versions, files, digests, and what is lost, forged or leaked."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time

import pytest

from tests.cli.model.get_test import tag
from tests.kit import commit, git, program, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import FILES, facts, made, ran

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


@pytest.fixture
def root(tmp_path, cli):
    """A project with a remote, everything pushed, and a version in prod."""
    root = made(tmp_path / "project", cli, remote=True)
    shutil.copytree(root / ".dvc/cache/files", tmp_path / "project-remote/files")  # as `dvc push` does
    tag(root, "churn@v1.0.0")
    tag(root, "churn#prod#1")
    return root


def audit(cli, root, *args):
    return cli(root, "model", "audit", *args)


def document(cli, root, subject):
    done = audit(cli, root, subject, "--format", "json")
    assert done.code in (0, 1), done.said
    return done.json


def test_whole_version_is_proven(root, cli):
    done = audit(cli, root, "churn@v1.0.0")
    assert done.code == 0
    assert done.out.startswith("# Audit of `churn@v1.0.0`\n\n**PROVEN**\n")
    found = document(cli, root, "churn#prod")
    assert (found["verdict"], found["gaps"], found["version"]) == ("proven", [], "v1.0.0")
    assert found["model"]["sha256"] == hashlib.sha256((root / "models/churn.json").read_bytes()).hexdigest()
    assert {each["path"]: each["place"] for each in found["data"]} == dict.fromkeys(
        ("data/raw.csv", "data/test.csv", "data/train.csv"), "cache"
    )
    assert [each["environment"] for each in found["environments"]] == ["prod"]
    assert (found["code"]["merged"], found["code"]["branch"]) == (True, "main")
    assert (found["leakage"], found["params"]) == ({"found": 0, "rows": 5, "unchecked": ""}, {"train.depth": 3})


def test_same_audit_has_the_same_bytes(root, cli):
    for form in ("md", "json", "in-toto", "cyclonedx"):
        assert audit(cli, root, "churn", "--format", form).out == audit(cli, root, "churn", "--format", form).out


def test_training_data_lost_from_cache_and_remote_is_a_gap(root, cli, tmp_path):
    md5 = next(each.md5 for each in facts(root).data if each.role == "train")
    for store in (root / ".dvc/cache", tmp_path / "project-remote"):
        (store / "files/md5" / md5[:2] / md5[2:]).unlink()
    (root / "data/train.csv").unlink()
    done = audit(cli, root, "churn@v1.0.0")
    assert done.code == 1
    assert done.out.splitlines()[2] == "**GAPS: 1**"
    assert "training data 'data/train.csv' is not retrievable" in done.out
    assert document(cli, root, "churn")["gaps"][0]["what"] == "training data 'data/train.csv' is not retrievable"


def test_data_that_only_the_remote_has_is_no_gap(root, cli):
    shutil.rmtree(root / ".dvc" / "cache")
    for path in ("data", "models", "reports/predictions.csv"):
        shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
    found = document(cli, root, "churn")
    assert {each["place"] for each in found["data"]} == {"remote"}
    assert (found["model"]["place"], found["verdict"]) == ("remote", "proven")


def test_damaged_object_of_the_cache_does_not_count(root, cli, tmp_path):
    md5 = next(each.md5 for each in facts(root).data if each.role == "train")
    path = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    path.chmod(0o644)
    path.write_text("other")
    path.chmod(0o444)
    assert {each["path"]: each["place"] for each in document(cli, root, "churn")["data"]}["data/train.csv"] == "remote"
    shutil.rmtree(tmp_path / "project-remote/files")
    (root / "data/train.csv").unlink()
    assert "training data 'data/train.csv' is not retrievable" in audit(cli, root, "churn").out


def test_remote_that_is_not_mounted_has_lost_nothing(root, cli, tmp_path):
    shutil.rmtree(root / ".dvc/cache")
    shutil.rmtree(tmp_path / "project-remote")
    (root / "data/train.csv").unlink()
    done = audit(cli, root, "churn")
    assert done.code == 2
    assert "whether the remote has it is not known" in done.out
    assert "could not be asked: No such file or directory" in done.out


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("models/churn.json", "the model of churn@v1.0.0"),
        ("reports/predictions.csv", "the predictions of churn@v1.0.0"),
        ("data/train.csv", "the training data 'data/train.csv' of churn@v1.0.0"),
        ("data/raw.csv", "the raw data 'data/raw.csv' of churn@v1.0.0"),
    ],
)
def test_file_is_traced_to_its_version(root, cli, tmp_path, path, what):
    shutil.copy(root / path, tmp_path / "renamed")
    found = document(cli, root, str(tmp_path / "renamed"))
    assert (found["version"], found["matched"]) == ("v1.0.0", f"{what}, by its content")
    md5 = hashlib.md5((root / path).read_bytes()).hexdigest()
    assert document(cli, root, md5)["matched"] == f"{what}, by its digest"


def test_sha256_and_facts_of_a_tag_are_found_too(root, cli):
    model = facts(root).model
    written = {"path": model.path, "md5": model.md5, "sha256": model.sha256}
    write_tree(root, {"more": "1"})
    commit(root)
    tag(root, "churn@v2.0.0", facts={"model": written})
    found = document(cli, root, model.sha256)
    assert (found["version"], found["matched"]) == ("v2.0.0", "the model of churn@v2.0.0, by its digest")
    # its tag does not tell of the raw data, but its commit does
    assert document(cli, root, "data/raw.csv")["version"] == "v2.0.0"


def test_content_of_no_version_is_a_no(root, cli):
    done = audit(cli, root, "src/train.sh")
    assert (done.code, done.out) == (1, "src/train.sh: belongs to no registered version\n")
    done = audit(cli, root, "0" * 64, "--format", "json")
    assert (done.code, done.json["verdict"]) == (1, "unknown")


def test_name_of_a_model_comes_before_that_of_a_folder(root, cli):
    write_tree(root, {"churn/code.py": ""})
    assert document(cli, root, "churn")["version"] == "v1.0.0"


def test_version_whose_commit_knows_no_such_model_cannot_be_audited(root, cli):
    tag(root, "other@v1.0.0")
    done = audit(cli, root, "other")
    assert (done.code, "other@v1.0.0 (commit " in done.err, "no artifact 'other'" in done.err) == (2, True, True)


def test_name_that_is_nothing_is_an_error(root, cli):
    done = audit(cli, root, "nothing")
    assert (done.code, "no version is registered" in done.err) == (2, True)


def test_what_was_in_an_environment_at_a_time(root, cli):
    write_tree(root, {"params.yaml": "train: {depth: 5}\n"})
    ran(root, cli)
    when = {"GIT_COMMITTER_DATE": "2030-05-03T10:00:00Z"}
    git(root, "tag", "-a", "-m", "Registering", "churn@v2.0.0", env=when)
    git(root, "tag", "-a", "-m", "Assigning", "churn#prod#2", env=when)
    assert document(cli, root, "churn#prod")["version"] == "v2.0.0"
    done = audit(cli, root, "churn#prod", "--at", "2030-05-03T09:00Z", "--json")
    assert done.json["version"] == "v1.0.0"
    assert done.json["environments"][0]["until"]["time"].startswith("2030-05-03T10:00:00")
    assert audit(cli, root, "churn#prod", "--at", "2030-05-03", "--json").json["version"] == "v2.0.0"
    assert audit(cli, root, "churn#prod", "--at", "2001-01-01").code == 2
    assert audit(cli, root, "churn#prod", "--at", "yesterday").code == 2


def test_forged_facts_are_a_gap(root, cli):
    write_tree(root, {"more": "1"})
    commit(root)
    forged = {"model": {"path": "models/churn.json", "md5": "0" * 32, "sha256": "0" * 64}}
    tag(root, "churn@v2.0.0", facts=forged)
    done = audit(cli, root, "churn@v2.0.0", "--json")
    assert done.code == 1
    assert done.json["gaps"][0]["what"] == "the tag names another model than its commit does"


def test_moved_tag_is_a_gap(root, cli):
    before = git(root, "rev-parse", "churn#prod#1")
    tag(root, "churn#staging#2", facts={"previous": f"churn#prod#1 {before}"}, when=f"@{int(time.time()) + 3600} +0000")
    assert document(cli, root, "churn@v1.0.0")["verdict"] == "proven"
    git(root, "tag", "-f", "-a", "-m", "Assigning stage prod", "churn#prod#1", "HEAD")
    found = document(cli, root, "churn@v1.0.0")
    assert any("churn#prod#1: was moved" in each["what"] for each in found["gaps"])


def test_commit_that_was_never_merged_is_a_gap(root, cli):
    git(root, "checkout", "-q", "-b", "side")
    write_tree(root, {"params.yaml": "train: {depth: 5}\n"})
    ran(root, cli)
    tag(root, "churn@v2.0.0")
    assert [each["what"] for each in document(cli, root, "churn@v2.0.0")["gaps"]] == ["the commit is not part of main"]


def test_test_rows_among_the_training_rows_are_a_gap(tmp_path, cli):
    leaking = FILES["src/prepare.sh"].replace("tail -5", "tail -8")
    root = made(tmp_path / "project", cli, {"src/prepare.sh": leaking})
    tag(root, "churn@v1.0.0")
    assert "3 of 8 test rows are in the training data" in audit(cli, root, "churn").out


def test_approvals_count_on_the_tag_that_they_approve(root, cli):
    git(root, "tag", "-a", "-m", "Approving", "mlgit/approvals/churn/v1.0.0/grace", git(root, "rev-parse", "churn@v1.0.0"))
    found = document(cli, root, "churn")["approvals"]
    assert [(each["by"], each["tag"]) for each in found] == [("Ada Example", "mlgit/approvals/churn/v1.0.0/grace")]
    git(root, "tag", "-f", "-a", "-m", "Registering anew", "churn@v1.0.0", "HEAD")
    assert document(cli, root, "churn")["approvals"] == []


def test_numbers_that_json_cannot_tell_do_not_end_in_a_defect(tmp_path, cli):
    files = {
        "params.yaml": "train: {depth: 3, rate: .inf}\n",
        "dvc.yaml": FILES["dvc.yaml"].replace("[train.depth]", "[train]"),
    }
    root = made(tmp_path / "project", cli, files)
    tag(root, "churn@v1.0.0")
    assert json.loads(audit(cli, root, "churn", "--json").out)["params"]["train"]["rate"] == "inf"


POLICY = """\
environments:
- {name: prod, requires: {gates: pass}}
gates:
  rules:
  - {id: floor, kind: bound, metric: auc, min: 0.4}
"""


def test_a_versions_whole_life_is_told(tmp_path, cli):
    root = made(tmp_path / "project", cli, {"mlgit.yaml": FILES["mlgit.yaml"] + POLICY, "params.yaml": "train: {depth: 5}\n"})
    for args in (("register", "churn", "-m", "First of all"), ("promote", "churn", "prod")):
        assert cli(root, "model", *args).code == 0
    write_tree(root, {"params.yaml": "train: {depth: 3}\n"})
    ran(root, cli)
    assert cli(root, "model", "register", "churn").code == 0
    assert cli(root, "model", "promote", "churn", "prod").code == 1
    assert cli(root, "model", "promote", "churn", "prod", "--override", "Customer waits").code == 0
    assert cli(root, "model", "rollback", "churn", "prod", "-m", "Too many false alarms").code == 0
    found = document(cli, root, "churn@v0.0.2")
    assert found["verdict"] == "proven", found["gaps"]
    [held] = found["environments"]
    assert (held["override"], held["gate"]["result"], held["gate"]["baseline"]) == ("Customer waits", "fail", "churn@v0.0.1")
    assert (held["until"]["event"], held["until"]["reason"]) == ("rollback", "Too many false alarms")
    assert [each["event"] for each in found["later"]] == ["assign", "rollback"]
    assert found["metrics"]["auc"] == {"value": 0.3, "split": "test", "n": 5, "data": found["metrics"]["auc"]["data"]}
    assert [each["name"] for each in found["evaluation"]] == ["evaluate"]
    text = audit(cli, root, "churn@v0.0.2").out
    assert "rollback by Ada Example" in text
    assert "floor, auc, fail" in text


def test_last_tag_that_vanished_is_a_gap_where_it_was_published(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    for args in (("register", "churn"), ("promote", "churn", "prod", "--new-environment")):
        assert cli(root, "model", *args).code == 0
    assert document(cli, root, "churn@v0.0.1")["verdict"] == "proven"
    git(root, "tag", "-d", "churn#prod#1")
    assert "churn#prod#1: is gone" in document(cli, root, "churn@v0.0.1")["gaps"][0]["what"]


def test_nothing_slow_is_imported(root):
    code = "import sys; sys.argv = ['mlgit', 'model', 'audit', 'churn']\n"
    code += "from mlgit.cli.error_boundary import run\nrun(sys.argv[1:])\n"
    code += "print([name for name in ('numpy', 'pandas', 'sklearn', 'dvc', 'git', 'rich') if name in sys.modules])"
    done = program(root, [sys.executable, "-c", code])
    assert done.out.splitlines()[-1] == "[]"
    assert mlgit(root, "model", "audit", "churn").code == 0
