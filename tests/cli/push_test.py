"""`mlgit push`: bytes before records, whatever ends it, and however many push at once."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from pathlib import Path

import pytest

from tests.kit import FULL, commit, dvc, git, write_tree
from tests.kit.forked import mlgit, start
from tests.kit.sharing import PIPELINE, change, make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    top = tmp_path_factory.mktemp("template")
    make(top)
    return top


@pytest.fixture
def root(template, tmp_path):
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "project"


def objects(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lacking(top: Path) -> list[str]:
    """What commits of the shared repository record and the remote has not."""
    missing = []
    for oid in git(top / "origin.git", "rev-list", "--all", "--", "dvc.lock").split():
        for row in git(top / "origin.git", "show", f"{oid}:dvc.lock").splitlines():
            if row.strip().startswith("md5: ") and row.endswith(".dir"):
                md5 = row.strip().removeprefix("md5: ")
                listed = top / "there/files/md5" / md5[:2] / md5[2:]
                found = json.loads(listed.read_text()) if listed.exists() else [{"md5": md5}]
                missing += [each["md5"] for each in found if not (_place(top, each["md5"])).exists()]
    return missing


def _place(top: Path, md5: str) -> Path:
    return top / "there/files/md5" / md5[:2] / md5[2:]


def test_remote_is_byte_for_byte_what_dvc_pushes(root):
    done = mlgit(root, "push", "--json")
    assert (done.code, done.json["objects"], done.json["commits"]) == (0, 3, 3), done.said
    sent = objects(root.parent / "there")
    shutil.rmtree(root.parent / "there")
    assert dvc(root, "push").code == 0
    assert sent == objects(root.parent / "there")
    assert git(root, "rev-parse", "@{upstream}") == git(root, "rev-parse", "HEAD")


def test_data_of_every_commit_goes_along_and_only_once(root):
    for text in ("2\n", "3\n"):
        change(root, text)
    planned = mlgit(root, "push", "--dry-run", "--json").json
    assert (planned["commits"], planned["objects"], (root.parent / "there").exists()) == (5, 7, False)
    assert mlgit(root, "push", "--json").json["objects"] == 7
    assert lacking(root.parent) == []
    again = mlgit(root, "push")
    assert (again.code, "origin has all of" in again.out) == (0, True)


def test_missing_object_is_named_and_nothing_is_pushed(root):
    change(root, "2\n")
    md5 = "b026324c6904b2a9cb4b88d6d61c81d1"  # of the first commit's made/one
    (root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    done = mlgit(root, "push")
    assert (done.code, "made (" in done.said, "--allow-missing" in done.said) == (2, True, True)
    assert git(root.parent / "origin.git", "for-each-ref") == ""
    assert mlgit(root, "push", "--allow-missing").code == 0


def test_damaged_object_is_not_published(root):
    md5 = "b026324c6904b2a9cb4b88d6d61c81d1"
    damaged = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    damaged.chmod(0o644)
    damaged.write_text("9\n")
    damaged.chmod(0o444)
    done = mlgit(root, "push")
    assert (done.code, "damaged" in done.said, "mlgit doctor --deep --fix" in done.said) == (2, True, True)
    assert not _place(root.parent, md5).exists()
    assert git(root.parent / "origin.git", "for-each-ref") == ""


def test_what_is_not_committed_is_told_and_stays(root):
    (root / "in").write_text("2\n")
    assert mlgit(root, "run").code == 0
    done = mlgit(root, "push", "--json")
    assert done.json["objects"] == 3
    assert done.json["notes"][-1].startswith("not committed, so not sent: dvc.lock")


def test_two_who_push_at_once_leave_one_to_pull(root):
    assert mlgit(root, "push").code == 0
    other = root.parent / "other"
    git(root.parent, "clone", "--quiet", "origin.git", "other")
    shutil.copytree(root / ".dvc/cache", other / ".dvc/cache")
    for clone, text in ((root, "2\n"), (other, "3\n")):
        change(clone, text)
    together, codes, said = threading.Barrier(2), [], []

    def send(clone: Path) -> None:
        together.wait()
        done = mlgit(clone, "push")
        codes.append(done.code)
        said.append(done.said)

    threads = [threading.Thread(target=send, args=(clone,)) for clone in (root, other)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(codes) == [0, 2], said
    assert any("`mlgit pull` brings them" in each for each in said)
    assert lacking(root.parent) == []


@pytest.mark.parametrize("seed", range(40 if FULL else 3))
def test_killed_push_leaves_no_record_without_its_bytes_and_is_taken_up(root, seed, tmp_path):
    write_tree(root, {"in": "x" * 2_000_000})
    assert mlgit(root, "run").code == 0
    commit(root)
    running = start("mlgit", root, ("push",), env=dict(os.environ), log=tmp_path / "log")
    threading.Event().wait(random.Random(seed).uniform(0.05, 0.9))
    running.kill()
    running.wait()
    assert lacking(root.parent) == []
    assert mlgit(root, "push").code == 0
    assert lacking(root.parent) == []
    assert git(root.parent / "origin.git", "rev-parse", "HEAD") == git(root, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (("checkout", "--quiet", "--detach"), "HEAD is detached"),
        (("remote", "remove", "origin"), "git remote add origin URL"),
        (("remote", "set-url", "origin", "../nowhere.git"), "does not answer"),
        (("checkout", "--quiet", "--orphan", "new"), "no commit yet"),
    ],
)
def test_what_stands_in_the_way_is_told_with_the_way_out(root, before, said):
    git(root, *before)
    done = mlgit(root, "push")
    assert (done.code, said in done.said) == (2, True), done.said


def test_data_without_a_dvc_remote_is_not_left_behind(root):
    (root / ".dvc/config").write_text("")
    done = mlgit(root, "push")
    assert (done.code, "no DVC remote for the data of 1 output, such as made" in done.said) == (2, True), done.said
    assert git(root.parent / "origin.git", "for-each-ref") == ""


def test_hook_that_refuses_is_quoted_and_data_stays_sent(root):
    hook = root.parent / "origin.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    done = mlgit(root, "push")
    assert (done.code, "does not take the branch 'main': protected branch" in done.said) == (2, True), done.said
    hook.unlink()
    assert mlgit(root, "push", "--json").json["objects"] == 0


def test_file_that_left_the_remote_is_sent_although_its_folder_is_listed_there(root):
    assert mlgit(root, "push").code == 0
    md5 = "b026324c6904b2a9cb4b88d6d61c81d1"
    _place(root.parent, md5).unlink()
    assert mlgit(root, "push", "--json").json["objects"] == 1
    assert _place(root.parent, md5).read_text() == "1\n"


def test_output_with_a_remote_of_its_own_goes_there(root):
    with (root / ".dvc/config").open("a") as config:
        config.write("['remote \"own\"']\n    url = ../../own\n")
    (root / "dvc.yaml").write_text(PIPELINE.replace("outs: [made,", "outs: [{made: {remote: own}},"))
    commit(root)
    assert mlgit(root, "push", "--json").json["objects"] == 3
    assert len(objects(root.parent / "own")) == 3
    assert objects(root.parent / "own") == objects(root.parent / "there")  # where the commit before has it


def test_model_push_is_pointed_to_what_took_its_place(root):
    done = mlgit(root, "model", "push")
    assert (done.code, "mlgit push --tags-only" in done.said) == (2, True)
