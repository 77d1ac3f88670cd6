"""How often a test set has judged, counted from what locks said."""

from __future__ import annotations

from mlgit import project as projects
from mlgit.config import parse
from mlgit.evaluation import test_set_reuse
from mlgit.revision.revisions import Revisions
from tests.kit import commit, git, repository, write_tree

PIPELINE = """\
stages:
  evaluate:
    cmd: touch p.csv
    deps: [t.csv]
    outs: [p.csv]
"""
LOCK = """\
schema: '2.0'
stages:
  evaluate:
    cmd: touch p.csv
    deps:
    - path: t.csv
      hash: md5
      md5: {test}
      size: 1
    outs:
    - path: p.csv
      hash: md5
      md5: {output}
      size: 2
"""
A, B, C = (letter * 32 for letter in "abc")
MODELS = parse({"mlgit": 1, "models": {"m": {"predictions": "p.csv", "test": ["t.csv"]}}}).models


def head_of(project):
    revisions = Revisions(project)
    return revisions.commit(revisions.head, name="HEAD")


def judged(root, test, folder="."):
    project = projects.find(root / folder)
    found = test_set_reuse.count(head_of(project), MODELS, test={"m": test})
    return found.judged.get("m"), "m" in found.at_least


def record(root, test, output, folder="."):
    write_tree(root, {f"{folder}/dvc.yaml": PIPELINE, f"{folder}/dvc.lock": LOCK.format(test=test, output=output)})
    commit(root)


def test_results_on_the_same_rows_are_counted_once_each(tmp_path):
    root = repository(tmp_path / "project")
    for test, output in ((A, B), (A, C), (B, A), (A, B), (B, C)):
        record(root, test, output)
    assert judged(root, A) == ({B, C}, False)
    assert judged(root, B) == ({A, C}, False)
    assert judged(root, C) == (set(), False)
    assert judged(root, "") == (None, False)


def test_branches_that_were_merged_count(tmp_path):
    root = repository(tmp_path / "project")
    record(root, A, A)
    git(root, "checkout", "--quiet", "-b", "side")
    record(root, A, B)
    git(root, "checkout", "--quiet", "main")
    record(root, A, C)
    git(root, "merge", "--quiet", "-s", "ours", "side", "-m", "Merge")
    assert judged(root, A) == ({A, B, C}, False)


def test_project_in_a_folder_counts_its_own_locks_only(tmp_path):
    root = repository(tmp_path / "project")
    for folder in ("one", "two"):
        write_tree(root, {f"{folder}/.dvc/config": "", f"{folder}/.dvc/.gitignore": "/tmp\n"})
    record(root, A, B, "one")
    record(root, A, C, "two")
    assert judged(root, A, "one") == ({B}, False)


def test_lock_that_is_no_lock_counts_nothing(tmp_path):
    root = repository(tmp_path / "project")
    record(root, A, B)
    write_tree(root, {"dvc.lock": "schema: '2.0'\n"})
    commit(root)
    assert judged(root, A) == ({B}, False)


def test_paths_are_those_of_the_lock_that_names_them(tmp_path):
    root = repository(tmp_path / "project")
    for output in (B, C):
        there = {"sub/dvc.yaml": PIPELINE.replace("t.csv", "../t.csv")}
        there["sub/dvc.lock"] = LOCK.format(test=A, output=output).replace("path: t.csv", "path: ../t.csv")
        write_tree(root, there)
        commit(root)
    models = parse({"mlgit": 1, "models": {"m": {"predictions": "sub/p.csv", "test": ["t.csv"]}}}).models
    found = test_set_reuse.count(head_of(projects.find(root)), models, test={"m": A})
    assert found.judged == {"m": {B, C}}


def test_branches_tags_and_stashes_that_were_never_merged_count(tmp_path):
    root = repository(tmp_path / "project")
    record(root, A, A)
    git(root, "checkout", "--quiet", "-b", "side")
    record(root, A, B)
    git(root, "checkout", "--quiet", "--detach", "main")
    record(root, A, C)
    git(root, "tag", "tried")
    git(root, "checkout", "--quiet", "main")
    assert judged(root, A) == ({A, B, C}, False)
    git(root, "branch", "-D", "side")
    assert judged(root, A) == ({A, C}, False)


def test_locks_of_one_branch_are_not_read_beside_those_of_another(tmp_path):
    root = repository(tmp_path / "project")
    files = {
        "sub/dvc.yaml": PIPELINE.replace("t.csv", "../t.csv"),
        "dvc.yaml": "stages: {t: {cmd: touch t.csv, outs: [t.csv]}}\n",
    }
    tested = "schema: '2.0'\nstages:\n  t:\n    cmd: touch t.csv\n    outs:\n    - path: t.csv\n      md5: {}\n"
    for branch, test, output in (("one", A, B), ("two", B, C)):
        git(root, "checkout", "--quiet", "-B", branch, "main")
        lock = LOCK.replace("    deps:\n    - path: t.csv\n      hash: md5\n      md5: {test}\n      size: 1\n", "").format(
            output=output
        )
        write_tree(root, {**files, "sub/dvc.lock": lock, "dvc.lock": tested.format(test)})
        commit(root)
    models = parse({"mlgit": 1, "models": {"m": {"predictions": "sub/p.csv", "test": ["t.csv"]}}}).models
    for test, seen in ((A, {B}), (B, {C})):
        assert test_set_reuse.count(head_of(projects.find(root)), models, test={"m": test}).judged == {"m": seen}


def remember(root, name, text):
    write_tree(root, {f".dvc/cache/runs/{name[:2]}/{name}/{name}": text})


def test_what_only_the_run_cache_remembers_counts(tmp_path):
    root = repository(tmp_path / "project")
    record(root, A, B)
    entry = LOCK.partition("evaluate:\n")[2].replace("    ", "")
    remember(root, "aa1", entry.format(test=A, output=C))
    remember(root, "bb1", entry.format(test=B, output=A))
    assert judged(root, A) == ({B, C}, False)
    remember(root, "cc1", "cmd: touch p.csv\nouts:\n- path: p.csv\n  hash: md5\n  md5: " + "d" * 32 + "\n")
    assert judged(root, A) == ({B, C}, True)


def counted(root, models=MODELS, test=A):
    return test_set_reuse.count(head_of(projects.find(root)), models, test={"m": test})


def test_clone_that_lacks_history_says_so(tmp_path):
    root = repository(tmp_path / "project")
    for output in (A, B, C):
        record(root, A, output)
    git(root, "branch", "side")
    for name, words, reason in (
        ("shallow", ("--depth=1", "--no-single-branch"), "this clone is shallow"),
        ("single", ("--single-branch",), "this clone has a single branch"),
    ):
        git(tmp_path, "clone", "--quiet", *words, f"file://{root}", name)
        found = counted(tmp_path / name)
        assert found.at_least == {"m"}
        empty = counted(tmp_path / name, test=B)
        assert empty.unknown["m"].startswith(reason)
    git(tmp_path, "clone", "--quiet", f"file://{root}", "whole")
    assert counted(tmp_path / "whole") == test_set_reuse.TestSetReuse({"m": frozenset({A, B, C})})


def test_test_data_that_nobody_declared_cannot_be_counted(tmp_path):
    root = repository(tmp_path / "project")
    record(root, A, B)
    models = parse({"mlgit": 1, "models": {"m": {"predictions": "p.csv"}}}).models
    assert counted(root, models, test="").unknown == {"m": "models.m.test is not declared"}
    assert counted(root, test="").unknown == {"m": "no digest of t.csv is recorded"}
