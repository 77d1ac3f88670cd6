"""A project of an earlier version of each template, in which a user has worked, brought to today's: it keeps working."""

from __future__ import annotations

import json
import re
import sys

import pytest

from mlgit.adapters.formats.documents import load
from mlgit.scaffold import library
from tests.kit import FULL, commit, example, forked, git, program
from tests.kit.once import once
from tests.scaffold import older

pytestmark = pytest.mark.slow  # pipelines

OLD = re.compile("|".join(map(re.escape, (older.OLD_END, older.OLD_DOC, older.OLD_COMMENT, older.OLD_CHECKOUT))))
NAMES = library.names() if FULL else ["minimal"]


def mlgit(root, *argv, code=0):
    done = forked.mlgit(root, *argv, env=example.environment())
    assert done.code == code, done.said
    return done


def make(top, name):
    """A project of the earlier version with a user's work, its update on a branch, and a run before and after."""
    template = older.write_older(top / "shelf", name)
    mlgit(top, "new", "p", "-t", str(template), "--defaults", "--set", "features=docker,notebooks")
    root = top / "p"
    older.work(root, name)
    mlgit(root, "run")
    _build_card(root)
    commit(root, "Work")
    git(root, "switch", "--quiet", "--create", "update")
    older.write_today(top / "shelf")
    (top / "before.json").write_text(mlgit(root, "template", "status", "--json", code=1).out)
    (top / "update.json").write_text(mlgit(root, "template", "update", "--json").out)
    commit(root, "Update")
    (top / "run.txt").write_text(mlgit(root, "run").said)
    _build_card(root)
    commit(root, "Run")


def _build_card(root):
    if (root / "cards").exists():
        mlgit(root, "card", "build", "--reviewed", "all")


@pytest.fixture(params=NAMES)
def updated(request, shared):
    """The folder of all this."""
    return once(shared, f"versions-{request.param}", lambda top: make(top, request.param))


def test_update_says_what_became_of_each_file(updated):
    before, done = (json.loads((updated / f"{each}.json").read_text()) for each in ("before", "update"))
    assert (before["behind"], done["from"], done["to"]) == (1, older.VERSION, before["newest"])
    outcomes = {row["path"]: row["outcome"] for row in done["files"]}
    renamed = {row["renamed_to"]: row["outcome"] for row in done["files"]}
    assert "conflict" not in outcomes.values()
    wanted = {older.LESS: "added", older.MORE: "deleted", older.DELETED: "kept-deleted", "README.md": "merged"}
    wanted |= dict.fromkeys((f".github/workflows/{each}.yml" for each in ("check", "image", "notebooks")), "changed")
    assert outcomes == outcomes | wanted
    assert renamed[older.USER_TEST] == "renamed"


def test_work_of_the_user_and_changes_of_the_template_are_both_there(updated):
    root = updated / "p"
    texts = {
        path: (root / path).read_text() for path in ("README.md", "params.yaml", "mlgit.yaml", "dvc.yaml", older.USER_TEST)
    }
    name = json.loads((updated / "update.json").read_text())["template"]
    for path, mine in (
        ("README.md", older.USER_README),
        ("params.yaml", older.PARAMETERS[name][1]),
        ("dvc.yaml", older.USER_STAGE),
    ):
        assert mine in texts[path]
    assert texts["params.yaml"].startswith(older.COMMENT)
    assert older.DIRECTION in texts["mlgit.yaml"]
    assert not (root / older.DELETED).exists()
    assert not (root / older.MORE).exists()
    assert not [path for path in git(root, "ls-files").splitlines() if OLD.search((root / path).read_text())]


def test_only_what_changed_ran_again_and_everything_is_up_to_date(updated):
    said = (updated / "run.txt").read_text()
    assert "dep changed: src/" in said
    assert " unchanged in " in said
    mlgit(updated / "p", "status")
    assert git(updated / "p", "status", "--porcelain") == ""
    assert load(updated / "p/dvc.lock", name="dvc.lock")["stages"]["own"]


def test_tests_of_the_project_its_gate_and_its_card_say_yes(updated):
    root = updated / "p"
    done = program(root, [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], env=example.environment())
    assert done.code == 0, done.said
    mlgit(root, "gate")
    if (root / "cards").exists():
        mlgit(root, "card", "check")


def test_nothing_is_left_to_update_and_all_that_differs_is_the_user_s(updated):
    root = updated / "p"
    assert json.loads(mlgit(root, "template", "update", "--json").out)["files"] == []
    found = json.loads(mlgit(root, "template", "status", "--json", code=1).out)
    states = {row["path"]: row["state"] for row in found["files"]}
    assert found["behind"] == 0
    assert {
        older.DELETED: "deleted",
        "README.md": "changed",
        "params.yaml": "changed",
        "dvc.yaml": "changed",
    }.items() <= states.items()
    assert not [path for path in states if path.startswith((".github/actions", "src/"))]
