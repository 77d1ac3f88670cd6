"""The reading commands of `mlgit model` where there are no files: bare and mirror repositories, and hooks of a server."""

from __future__ import annotations

import shlex
import sys

import pytest

from tests.kit import git, program
from tests.kit.forked import mlgit
from tests.registry.histories import START, chained, commits, tag

pytestmark = pytest.mark.slow  # real repositories, many times

READING = [("list",), ("show", "churn"), ("show", "churn#prod"), ("history", "churn"), ("event", "refs/tags/churn#prod#1")]


@pytest.fixture
def source(tmp_path):
    """A repository with a version that is in prod."""
    root = tmp_path / "source"
    root.mkdir()
    at = commits(root, 1)
    tag(root, "churn@v1.0.0", at[0], when=START, text=chained(root))
    tag(root, "churn#prod#1", at[0], when=START + 10, text=chained(root, after="churn@v1.0.0"))
    return root


@pytest.mark.parametrize(("how", "folder"), [("--bare", "."), ("--mirror", "hooks")])
def test_bare_and_mirror_repositories_answer_as_the_clone_does(how, folder, source, tmp_path, cli):
    git(tmp_path, "clone", "--quiet", how, str(source), "there.git")
    for args in (*READING, ("verify", "--offline")):
        said = cli(tmp_path / "there.git" / folder, "model", *args, "--json")
        assert (said.code, said.out) == (0, cli(source, "model", *args, "--json").out)


def test_reading_leaves_nothing_in_a_bare_repository(source, tmp_path, cli):
    bare = tmp_path / "there.git"
    git(tmp_path, "clone", "--quiet", "--mirror", str(source), str(bare))
    before = sorted(bare.rglob("*"))
    for args in (*READING, ("verify", "--offline")):
        assert cli(bare, "model", *args).code == 0
    assert sorted(bare.rglob("*")) == before


def hooked(bare, name, *commands):
    """Install a hook that keeps what these commands of mlgit say in `said`, with their exit codes."""
    program = shlex.join([sys.executable, "-m", "mlgit", "model"])
    lines = [f'{program} {shlex.join(args)} >> "{bare}/said" 2>&1; echo "code $?" >> "{bare}/said"' for args in commands]
    (bare / "hooks").mkdir(exist_ok=True)
    (bare / "hooks" / name).write_text("#!/bin/sh\n" + "\n".join(lines) + "\nexit 0\n")
    (bare / "hooks" / name).chmod(0o755)


@pytest.mark.parametrize(("name", "known"), [("pre-receive", False), ("update", False), ("post-receive", True)])
def test_hooks_of_a_server_see_what_is_published(name, known, source, tmp_path):
    bare = tmp_path / "there.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    git(bare, "config", "--global", "safe.bareRepository", "explicit")
    hooked(bare, name, ("list",), ("event", "churn#prod#1"))
    git(source, "push", "--quiet", "--atomic", str(bare), "main", "--tags")
    assert "safe.bareRepository" in program(bare, ["git", "tag"]).err
    said = (bare / "said").read_text()
    assert ("prod: v1.0.0" in said, said.endswith("code 0\n")) == (known, known)
    assert known or "before the push is taken" in said


def test_hook_of_a_repository_with_files_sees_its_tags(source, tmp_path):
    there = tmp_path / "there"
    git(tmp_path, "init", "--quiet", "--initial-branch=other", str(there))
    hooked(there / ".git", "post-receive", ("list",))
    git(source, "push", "--quiet", str(there), "main", "--tags")
    assert "prod: v1.0.0" in (there / ".git" / "said").read_text()


def test_git_dir_is_followed_from_outside_and_not_out_of_another_repository(source, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", str(source), "there.git")
    git(tmp_path, "init", "--quiet", "other")
    elsewhere = {"GIT_DIR": str(tmp_path / "there.git"), "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    assert "prod: v1.0.0" in mlgit(tmp_path, "model", "list", env=elsewhere).out
    assert "prod: v1.0.0" in mlgit(tmp_path, "model", "list", env={"GIT_DIR": str(source / ".git")}).out
    assert "no models are registered" in mlgit(tmp_path / "other", "model", "list", env=elsewhere).out


def test_commands_that_need_files_say_so_in_a_bare_repository(source, tmp_path, cli):
    git(tmp_path, "clone", "--quiet", "--bare", str(source), "there.git")
    for args in (("model", "get", "churn"), ("status",), ("model", "promote", "churn", "prod")):
        done = cli(tmp_path / "there.git", *args)
        assert (done.code, "a bare Git repository, without the files" in done.err) == (2, True), done.said
