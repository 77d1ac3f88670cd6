"""Where bytes are, what Git says about a version, and rows that test and training data share."""

from __future__ import annotations

import shutil

import pytest

from mlgit.registry import git_provenance, leakage, locations
from tests.kit import commit, dvc, git, program, write_tree
from tests.registry.audits import event
from tests.registry.projects import FILES, at, facts, made

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


@pytest.fixture
def root(tmp_path, cli):
    return made(tmp_path / "project", cli, remote=True)


def places(root, found=None):
    return locations.find(at(root), found or facts(root)).places


def test_bytes_are_told_by_where_they_are(root):
    found = facts(root)
    assert set(places(root).values()) == {"cache"}
    assert dvc(root, "push", "-q", "data/train.csv").code == 0
    shutil.rmtree(root / ".dvc" / "cache")
    (root / "data/raw.csv").unlink()
    write_tree(root, {"models/churn.json": "other"})
    assert places(root, found) == {
        "data/train.csv": "remote",
        "data/test.csv": "workspace",
        "reports/predictions.csv": "workspace",
        "data/raw.csv": "gone",
        "models/churn.json": "gone",
    }
    assert list((root / ".dvc").rglob("files/md5/*")) == []  # nothing was fetched to find out


@pytest.mark.slow
def test_folder_lacks_in_the_remote_what_one_of_its_files_lacks(tmp_path, cli):
    folder = {"data/raw/a.csv": "a\n1\n", "data/raw/b.csv": "b\n2\n", "src/prepare.sh": FILES["src/prepare.sh"]}
    pipeline = FILES["dvc.yaml"].replace("src/prepare.sh, data/raw.csv", "src/prepare.sh, data/raw.csv, data/raw")
    root = made(tmp_path / "project", cli, remote=True)
    write_tree(root, {**folder, "dvc.yaml": pipeline})
    assert cli(root, "add", "data/raw").code == 0
    assert cli(root, "run").code == 0
    commit(root)
    found = facts(root)
    assert dvc(root, "push", "-q").code == 0
    for path in (".dvc/cache", "data/raw"):
        shutil.rmtree(root / path)
    assert places(root, found)["data/raw"] == "remote"
    [member] = [each for each in (tmp_path / "project-remote").rglob("*") if each.is_file() and each.read_bytes() == b"a\n1\n"]
    member.unlink()
    assert places(root, found)["data/raw"] == "gone"


def test_remote_that_cannot_be_asked_leaves_it_open(root):
    found = facts(root)
    shutil.rmtree(root / ".dvc" / "cache")
    (root / "data/raw.csv").unlink()
    (root / ".dvc/config").write_text("[core]\n    remote = there\n['remote \"there\"']\n    url = s3://127.0.0.1/x\n")
    assert places(root, found)["data/raw.csv"] == "unknown"


def test_commit_is_described(root):
    oid = git(root, "rev-parse", "HEAD")
    found = git_provenance.code(root, oid)
    assert (found.commit, found.author, found.email) == (oid, "Ada Example", "ada@example.com")
    assert (found.subject, found.branch, found.is_merged, found.trust) == ("Change something", "main", True, "none")
    git(root, "checkout", "-q", "-b", "side")
    assert git_provenance.code(root, commit(root, "On the side")).is_merged is False


def test_merge_is_not_known_in_a_shallow_clone(root, tmp_path):
    write_tree(root, {"more": "1"})
    commit(root)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{root}", "shallow")
    git(tmp_path / "shallow", "fetch", "-q", "--depth=1", "origin", git(root, "rev-parse", "HEAD~1"))
    assert git_provenance.code(tmp_path / "shallow", git(root, "rev-parse", "HEAD~1")).is_merged is None


@pytest.fixture
def signed(root, tmp_path):
    """A signed tag, and the file of keys to be trusted."""
    key = tmp_path / "key"
    assert program(tmp_path, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]).code == 0
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")
    git(root, *signing, "tag", "-s", "-m", "Registering", "churn@v1.0.0")
    (tmp_path / "trusted").write_text(f"ada@example.com {(tmp_path / 'key.pub').read_text()}")
    return git(root, "rev-parse", "churn@v1.0.0")


def test_signature_is_good_only_by_a_trusted_key(root, signed, tmp_path):
    one = event(version="v1.0.0")._replace(oid=signed, is_signed=True)
    assert git_provenance.trust(root, [one]) == {"churn@v1.0.0": "unknown"}
    git(root, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "trusted"))
    assert git_provenance.trust(root, [one]) == {"churn@v1.0.0": "good"}
    text = git(root, "cat-file", "tag", signed).replace("Registering", "Registerinq")
    forged = git(root, "hash-object", "-t", "tag", "-w", "--stdin", stdin=text)
    assert git_provenance.trust(root, [one._replace(oid=forged)]) == {"churn@v1.0.0": "bad"}
    assert git_provenance.trust(root, [one._replace(is_signed=False)]) == {"churn@v1.0.0": "none"}


def leak(root, **options):
    return leakage.check(at(root), facts(root), **options)


def test_rows_in_both_are_counted_without_the_column_that_names_them(tmp_path, cli):
    rows = "".join(f"{number},{number % 4},{number % 2}\n" for number in range(20))
    root = made(tmp_path / "project", cli, {"data/raw.csv": f"id,x,label\n{rows}"})
    found = leak(root)
    assert (found.found, found.rows, found.unchecked) == (0, 5, "")
    found = leak(root, keys=("id",))
    assert (found.found, found.rows) == (5, 5)


@pytest.mark.slow
def test_columns_may_stand_in_another_order(tmp_path, cli):
    swapped = FILES["src/prepare.sh"] + "awk -F, -v OFS=, '{print $3, $1, $2}' data/train.csv | head -4 > data/test.csv\n"
    root = made(tmp_path / "project", cli, {"src/prepare.sh": swapped})
    assert (leak(root).found, leak(root).rows) == (3, 3)


def test_it_is_said_why_nothing_was_checked(root):
    shutil.rmtree(root / ".dvc" / "cache")
    assert leak(root).unchecked == "data/train.csv: its bytes are not here"
