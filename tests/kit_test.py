"""The kit itself: what the other tests rely on."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.kit import commit, dvc, forked, git, mlgit, program, repository, write_tree
from tests.kit.repositories import DVC_FILES


def test_repository_is_a_clean_dvc_project(tmp_path):
    root = repository(tmp_path / "project", {"a/b.txt": "text\n"})
    assert git(root, "status", "--porcelain") == ""
    assert dvc(root, "status").code == 0


def test_repository_has_what_dvc_init_writes(tmp_path):
    git(tmp_path, "init", "--quiet")
    assert dvc(tmp_path, "init", "--quiet").code == 0
    names = git(tmp_path, "ls-files", "--cached").splitlines()
    assert {name: (tmp_path / name).read_text() for name in names} == DVC_FILES


def test_two_repositories_share_nothing(tmp_path):
    one, other = repository(tmp_path / "one"), repository(tmp_path / "other")
    commit(one, "Only here")
    assert git(other, "rev-list", "--count", "HEAD") == "1"


def test_write_tree_makes_folders(tmp_path):
    assert (write_tree(tmp_path, {"a/b/c": b"\x00"}) / "a/b/c").read_bytes() == b"\x00"


def test_home_is_an_empty_folder_of_this_test():
    assert sorted(path.name for path in Path.home().iterdir()) == ["gitconfig"]


def test_variables_of_a_calling_hook_are_gone():
    assert "GIT_DIR" not in os.environ


def test_network_is_out_of_reach():
    with socket.socket() as reaching, pytest.raises(AssertionError, match="reached for the network"):
        reaching.connect(("192.0.2.1", 80))


def test_loopback_is_within_reach():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


def test_program_keeps_output_and_errors_apart(tmp_path):
    done = program(tmp_path, [sys.executable, "-c", "import sys; print(1); sys.exit('no')"])
    assert (done.code, done.out, done.err) == (1, "1\n", "no\n")


@pytest.mark.parametrize("args", [["--version"], ["nonsense"], ["dag"], ["run", "--json"]])
def test_forked_program_says_and_does_what_one_from_its_start_does(tmp_path, args):
    stages = {"dvc.yaml": "stages: {s: {cmd: 'echo $WORD > out && pwd -P > where', outs: [out, where]}}\n"}
    done = [
        (run(root := repository(tmp_path / name, stages), *args, env={"WORD": name}), root)
        for name, run in (("one", mlgit), ("two", forked.mlgit))
    ]
    (one, there), (two, here) = done
    assert (one.code, one.err, len(one.out.splitlines())) == (two.code, two.err, len(two.out.splitlines()))
    assert (here / "out").exists() == (there / "out").exists() == (args[0] == "run")
    if args[0] == "run":
        assert ((here / "out").read_text(), (here / "where").read_text()) == ("two\n", f"{here.resolve()}\n")


def test_mlgit_runs_the_program_of_this_checkout(tmp_path):
    from mlgit import __version__

    assert mlgit(tmp_path, "--version").out == f"mlgit {__version__}\n"


def test_cli_runs_in_this_process_and_comes_back(tmp_path, cli):
    before = Path.cwd()
    assert cli(tmp_path, "status").code == 2
    assert Path.cwd() == before
