"""The branch of a proposal when several runners push at once: what they see is made to happen, by hooks and by turns."""

from __future__ import annotations

import pytest

from mlgit import project as projects
from mlgit.adapters.git import branches
from mlgit.commands import proposal_branch
from mlgit.commands.proposal_branch import ProposalBranch
from mlgit.errors import MlgitError
from mlgit.report.proposal import Proposed
from mlgit.revision.revisions import Revisions
from tests.kit import commit, git, repository, write_tree

WANTED = ProposalBranch("retrain/churn", "main", "origin", "Retrain churn")


@pytest.fixture
def root(tmp_path):
    """A clone of a bare origin."""
    git(tmp_path, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
    root = repository(tmp_path / "clone", {"model.txt": "0"})
    commit(root)
    git(root, "remote", "add", "origin", "../origin.git")
    git(root, "push", "-q", "origin", "HEAD:main")
    return root


def publish(root, text, tell, *, revisions=None):
    """Propose this content, and note the text in `tell`."""
    write_tree(root, {"model.txt": text})
    tree = branches.tree_of_workspace(root, folder="")
    with Revisions(projects.find(root)) as opened:
        return proposal_branch.publish(opened, tree, WANTED, "", tell=tell)


def content(root):
    git(root, "fetch", "-q", "origin", WANTED.branch)
    return git(root, "show", "FETCH_HEAD:model.txt")


def rival(root, text):
    """A commit as another runner would push it."""
    write_tree(root, {"model.txt": text})
    made = branches.commit(root, branches.tree_of_workspace(root, folder=""), message="Retrain\n\nMlgit-Proposal: mlgit 1\n")
    write_tree(root, {"model.txt": "mine"})
    return made


def hook(root, command):
    """What happens between the look at the remote and the push to it."""
    path = root / ".git/hooks/pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)


def test_loser_of_a_push_goes_on_from_where_the_winner_was(root):
    made = rival(root, "theirs")
    moves = f"git push -q --no-verify ../origin.git {made}:refs/heads/{WANTED.branch}"
    hook(root, f"test -e .once && exit 0; touch .once; {moves}")
    git(root, "config", "core.excludesFile", "/dev/null")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/exclude").write_text(".once\n")
    told = []
    done = publish(root, "mine", lambda: told.append("mine") or Proposed(1, "updated"))
    assert (root / ".once").exists(), "nobody was faster"
    assert (done.number, told, content(root)) == (1, ["mine"], "mine")


def test_text_is_written_again_where_another_moved_the_branch_meanwhile(root):
    told = []

    def tell():
        told.append("mine")
        if len(told) == 1:  # the other pushes, and writes its text before ours
            git(root, "push", "-q", "--force", "origin", f"{other}:refs/heads/{WANTED.branch}")
        return Proposed(1, "updated")

    other = rival(root, "theirs")
    publish(root, "mine", tell)
    assert (told, content(root)) == (["mine", "mine"], "mine")


def test_runner_with_the_same_result_pushes_nothing(root):
    publish(root, "mine", lambda: Proposed(1, "opened"))
    first = git(root, "ls-remote", "origin", WANTED.branch)
    publish(root, "mine", lambda: Proposed(1, "updated"))
    assert git(root, "ls-remote", "origin", WANTED.branch) == first


def test_push_that_is_refused_is_told_at_once(root):
    (root.parent / "origin.git/hooks/update").write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    (root.parent / "origin.git/hooks/update").chmod(0o755)
    with pytest.raises(MlgitError, match="could not be pushed to origin"):
        publish(root, "mine", lambda: Proposed(1, "opened"))


def test_runners_that_never_stop_leave_a_text_all_the_same(root, monkeypatch):
    monkeypatch.setattr(proposal_branch.backoff, "turns", lambda seconds: iter(range(1, 100)))
    others = [rival(root, f"theirs{number}") for number in range(2)]
    told = []

    def tell():
        told.append("mine")
        git(root, "push", "-q", "--force", "origin", f"{others[len(told) % 2]}:refs/heads/{WANTED.branch}")
        return Proposed(1, "updated")

    assert publish(root, "mine", tell).number == 1
    assert len(told) == 20
