"""A signer that fails: no command leaves a tag or a line of the log behind, and none says that all went well."""

from __future__ import annotations

import pytest

from tests.kit import commit, git
from tests.registry.worlds import world

pytestmark = pytest.mark.slow  # many commands in real repositories

COMMANDS = {
    "register": ("register", "churn"),
    "promote": ("promote", "churn@v1.2.0", "prod"),
    "rollback": ("rollback", "churn", "staging", "-m", "why"),
    "approve": ("approve", "churn@v1.2.0"),
    "retire": ("retire", "churn@v1.2.0"),
    "unassign": ("unassign", "churn", "staging"),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Two versions that were in staging one after the other, and a commit to register."""
    made = world(tmp_path_factory.mktemp("world"))
    for version in ("v1.0.0", "v1.1.0"):
        target = f"churn@{version}^{{commit}}"
        git(made.root, "tag", "-a", "-m", "by hand", f"churn#staging#{version[3]}", target)
        git(made.root, "push", "--quiet", "origin", f"churn#staging#{version[3]}")
    commit(made.root)
    git(made.root, "config", "gpg.format", "ssh")
    git(made.root, "config", "user.signingkey", "/nowhere/key.pub")
    git(made.root, "config", "user.email", "bob@example.com")
    return made


@pytest.mark.parametrize("way", ["--sign", "--push"])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_written_and_the_signer_is_heard(shared, cli, command, way):
    refs = git(shared.root, "for-each-ref"), git(shared.origin, "for-each-ref")
    git(shared.root, "config", "tag.gpgSign", "false" if way == "--sign" else "true")
    done = cli(shared.root, "model", *COMMANDS[command], way)
    assert (done.code, "could not be signed: " in done.err, "/nowhere/key.pub" in done.err) == (2, True, True), done.said
    assert (git(shared.root, "for-each-ref"), git(shared.origin, "for-each-ref")) == refs


def test_clone_that_keeps_the_log_itself_writes_nothing_into_it(shared, cli, tmp_path):
    git(shared.root, "clone", "--quiet", "--mirror", str(shared.root), str(tmp_path / "alone" / ".git"))
    root = tmp_path / "alone"
    for key, value in (("core.bare", "false"), ("tag.gpgSign", "true"), ("gpg.format", "ssh"), ("user.signingkey", "none.pub")):
        git(root, "config", key, value)
    git(root, "remote", "remove", "origin")
    git(root, "reset", "--quiet", "--hard")
    refs = git(root, "for-each-ref")
    assert refs
    done = cli(root, "model", "unassign", "churn", "staging")
    assert (done.code, git(root, "for-each-ref")) == (2, refs), done.said
