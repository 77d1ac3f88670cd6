"""What DVC's configuration asks for holds for `mlgit run` and `mlgit add` as it does for DVC."""

from __future__ import annotations

import os
import stat

import pytest

from tests.kit import commit, dvc, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.pipeline.differential import run_dvc, run_mlgit

PIPELINE = """\
stages:
  one: {cmd: cp in one, deps: [in], outs: [one]}
  two: {cmd: cp one sub/two, deps: [one], outs: [sub/two]}
  three: {cmd: cp in3 three && test ! -e stop, deps: [in3], outs: [three], metrics: [{m.json: {cache: false}}]}
"""
PIPELINE = PIPELINE.replace("cp in3 three", "cp in3 three && echo 1 > m.json")


def made(root, config):
    """A project with this configuration, and a file `data` that Git does not know."""
    repository(root, {"dvc.yaml": PIPELINE, "in": "1\n", "in3": "1\n", "sub/keep": "", ".dvc/config": config})
    return write_tree(root, {"data": "1"})


def both(tmp_path, config):
    return made(tmp_path / "a", config), made(tmp_path / "b", config)


def state(root):
    staged = git(root, "diff", "--cached", "--name-status")
    return staged, git(root, "status", "--short", "--untracked-files=all"), git(root, "ls-files", "--stage")


def run_both(ours, theirs, *more):
    done, reproduced = run_mlgit(ours, "run", "-j1", *more), run_dvc(theirs, "repro", "--all-pipelines", "--quiet", *more)
    assert (done.code == 0) == (reproduced.code == 0), (done.out, reproduced.out)


@pytest.mark.slow
def test_run_stages_what_repro_stages(tmp_path):
    ours, theirs = both(tmp_path, "[core]\n    autostage = true\n")
    for root in (ours, theirs):
        assert run_dvc(root, "add", "--quiet", "data").code == 0
    changes = [
        {},
        {"in": "2\n"},
        {"data": "2"},
        {"stop": "", "in3": "2\n", "in": "3\n"},
        {"in": "4\n"},
        {"in": "1\n", "in3": "1\n"},
    ]
    for number, change in enumerate(changes):
        for root in (ours, theirs):
            write_tree(root, change)
        run_both(ours, theirs, *(["--keep-going"] if number == 4 else []))
        assert state(ours)[0] == state(theirs)[0], change
        for root in (ours, theirs):
            commit(root)


@pytest.mark.slow
def test_run_and_add_leave_git_alone_where_dvc_does(tmp_path):
    ours, theirs = both(tmp_path, "[core]\n    autostage = true\n    no_scm = true\n")
    for root in (ours, theirs):
        write_tree(root, {"one": "kept by Git"})
        commit(root)
    run_both(ours, theirs)
    assert run_mlgit(ours, "add", "data", "in").code == run_dvc(theirs, "add", "--quiet", "data", "in").code == 0
    assert state(ours) == state(theirs)
    assert not (ours / ".gitignore").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("types", "mask"), [("reflink,copy", 0o077), ("copy", 0o077), ("hardlink", 0o002)])
def test_files_of_a_shared_cache_and_of_its_workspace_have_the_modes_that_dvc_gives(tmp_path, types, mask):
    # umask is read once in a process, by DVC as well as by mlgit: these runs have processes of their own
    before = os.umask(mask)
    try:
        ours, theirs = both(tmp_path, f"[cache]\n    type = {types}\n    shared = group\n")
        for root in (ours, theirs):
            (root / "sub").chmod(0o755)
        assert mlgit(ours, "run").code == dvc(theirs, "repro", "-q").code == 0
        assert mlgit(ours, "add", "data").code == dvc(theirs, "add", "-q", "data").code == 0
    finally:
        os.umask(before)
    assert modes(ours) == modes(theirs)


def modes(root):
    paths = [path for path in root.rglob("*") if not {".git", "tmp"}.intersection(path.relative_to(root).parts)]
    return {path.relative_to(root).as_posix(): oct(stat.S_IMODE(path.lstat().st_mode)) for path in paths}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[core]\n    autostage = yes\n", "core.autostage"),
        ("[core]\n    no_scm = 1\n", "core.no_scm"),
        ("[cache]\n    shared = all\n", "cache.shared"),
        ("[cache]\n    type = \n", "cache.type"),
        ("[cache]\n    type = copy,,hardlink\n", "cache.type"),
    ],
)
def test_setting_that_dvc_refuses_is_refused(tmp_path, cli, config, said):
    root = made(tmp_path, config)
    done = cli(root, "run")
    assert (done.code, said in done.said) == (2, True), done.said
    assert run_dvc(root, "repro").code != 0
