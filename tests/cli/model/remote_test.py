"""`mlgit model verify` beside a remote: what one side lost shows, and what could not be compared is not called sound."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from mlgit.registry import log
from tests.kit import git
from tests.kit.forked import mlgit
from tests.registry.worlds import World, assign, hook, sends, world

pytestmark = pytest.mark.slow  # many repositories

NEWEST = "churn#prod#2"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two versions that came to prod one after the other, published."""
    shared = world(tmp_path_factory.mktemp("made"))
    for version in ("v1.0.0", "v1.1.0"):
        sends(shared.root, version)
    return shared


@pytest.fixture
def shared(made, tmp_path):
    shutil.copytree(made.root.parent, tmp_path / "copy", symlinks=True)
    found = World(tmp_path / "copy" / "ada", tmp_path / "copy" / "origin.git")
    git(found.root, "remote", "set-url", "origin", str(found.origin))
    return found


def rewind(root) -> None:
    git(root, "update-ref", log.REF, f"{log.REF}~1")


def deleted_and_rewound(shared: World, *places: str) -> None:
    for place in places:
        git(getattr(shared, place), "tag", "-d", NEWEST)
        rewind(getattr(shared, place))


def moved(shared: World, place: str, *, logged: str = "") -> None:
    """The newest tag, written anew with another text; with the log cut short, or with a new line in it that says so."""
    root = getattr(shared, place)
    date = git(root, "for-each-ref", "--format=%(taggerdate:unix)", f"refs/tags/{NEWEST}")
    text = git(root, "for-each-ref", "--format=%(contents)", f"refs/tags/{NEWEST}")
    args = ("tag", "-a", "-f", "--cleanup=verbatim", "-F", "-", NEWEST, "churn@v1.1.0^{commit}")
    git(
        root,
        *args,
        stdin=text.replace("\n---", "\nfor another reason\n---", 1) + "\n",
        env={"GIT_COMMITTER_DATE": f"@{int(date) + 1} +0000"},
    )
    if logged == "anew":
        rows = log.format([(NEWEST, git(root, "rev-parse", f"refs/tags/{NEWEST}"))])
        made = git(root, "commit-tree", git(root, "mktree"), "-p", log.REF, "-F", "-", stdin=rows)
        git(root, "update-ref", log.REF, made)
    elif logged == "cut short":
        rewind(root)


def apart(shared: World) -> None:
    tree = git(shared.origin, "mktree")
    git(shared.origin, "update-ref", log.REF, git(shared.origin, "commit-tree", tree, "-p", f"{log.REF}~1", "-m", "x"))


DAMAGE: dict[str, tuple[Callable[[World], object], tuple[str, str]]] = {
    "deleted here, the log rewound": (lambda it: deleted_and_rewound(it, "root"), ("absent", NEWEST)),
    "deleted here, no log at all": (
        lambda it: (deleted_and_rewound(it, "root"), git(it.root, "update-ref", "-d", log.REF)),
        ("absent", NEWEST),
    ),
    "moved here, the log rewound": (lambda it: moved(it, "root", logged="cut short"), ("moved", NEWEST)),
    "moved here, the log says so": (lambda it: moved(it, "root", logged="anew"), ("moved", NEWEST)),
    "moved there": (lambda it: moved(it, "origin"), ("moved", NEWEST)),
    "deleted there": (lambda it: git(it.origin, "tag", "-d", NEWEST), ("deleted", NEWEST)),
    "deleted there, the log rewound": (lambda it: deleted_and_rewound(it, "origin"), ("deleted", NEWEST)),
    "deleted on both sides": (
        lambda it: (git(it.root, "tag", "-d", NEWEST), git(it.origin, "tag", "-d", NEWEST)),
        ("deleted", NEWEST),
    ),
    "the log went another way": (apart, ("forked", log.REF)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_one_side_lost_or_moved_is_a_finding(shared, cli, damage):
    change, expected = DAMAGE[damage]
    change(shared)
    refs = git(shared.root, "for-each-ref")
    for args in ((), ("churn",)):
        done = cli(shared.root, "model", "verify", "--json", *args)
        found = [(each["kind"], each["tag"]) for each in done.json["findings"]]
        assert (done.code, found) == (1, [expected]), done.said
    assert git(shared.root, "for-each-ref") == refs


def test_fresh_clone_reads_the_log_of_its_remote(shared, cli):
    assert cli(shared.clone("sound"), "model", "verify").code == 0
    git(shared.origin, "tag", "-d", NEWEST)
    done = cli(shared.clone("bob"), "model", "verify")
    assert (done.code, f"{NEWEST}: deleted" in done.out) == (1, True), done.said


def test_deleted_approval_is_missed(shared, cli):
    bob = shared.clone("bob", email="bob@example.com")
    assert cli(bob, "model", "approve", "churn@v1.2.0", "--push").code == 0
    ref = "mlgit/approvals/churn/v1.2.0/bob-example-com"
    git(shared.origin, "tag", "-d", ref)
    git(bob, "tag", "-d", ref)
    for args in ((), ("churn",)):
        assert f"{ref}: deleted" in cli(bob, "model", "verify", *args).out


def test_remote_that_does_not_answer_is_no_yes(shared, cli):
    shutil.rmtree(shared.origin)
    done = cli(shared.root, "model", "verify")
    assert (done.code, "not compared with 'origin': " in done.out, "all as written" in done.out) == (2, True, False)
    told = cli(shared.root, "model", "verify", "--json").json
    assert (told["sound"], told["findings"], told["compared_with"], len(told["unanswered"])) == (False, [], None, 1)
    alone = cli(shared.root, "model", "verify", "--offline")
    assert (alone.code, "compared with no remote (--offline)" in alone.out) == (0, True)
    git(shared.root, "tag", "-d", "churn#prod#1")
    assert cli(shared.root, "model", "verify").code == cli(shared.root, "model", "verify", "--offline").code == 1


def test_which_of_several_remotes_is_told_or_asked(shared, cli):
    git(shared.root, "remote", "rename", "origin", "one")
    assert "compared with 'one'" in cli(shared.root, "model", "verify").out
    git(shared.root, "remote", "add", "two", str(shared.origin))
    done = cli(shared.root, "model", "verify")
    assert (done.code, "name one with --remote" in done.out) == (2, True)
    assert "compared with 'two'" in cli(shared.root, "model", "verify", "--remote", "two").out
    assert cli(shared.root, "model", "verify", "--remote", "two", "--offline").code == 2


def keep_one_back(shared: World) -> World:
    assert mlgit(shared.root, "model", "unassign", "churn", "prod").code == 0
    return shared


def log_that_began_without_a_remote(shared: World) -> World:
    git(shared.root, "remote", "remove", "origin")
    assert mlgit(shared.root, "model", "unassign", "churn", "prod").code == 0
    git(shared.root.parent, "init", "--quiet", "--bare", "new.git")
    git(shared.root, "remote", "add", "origin", str(shared.root.parent / "new.git"))
    git(shared.root, "push", "--quiet", "origin", "main")
    return shared


def published_elsewhere(shared: World) -> World:
    git(shared.root.parent, "clone", "--quiet", "--mirror", str(shared.origin), "mirror.git")
    git(shared.root, "remote", "add", "mirror", str(shared.root.parent / "mirror.git"))
    done = mlgit(shared.root, "model", "unassign", "churn", "prod", "--push", "--remote", "mirror")
    assert done.code == 0, done.said
    return shared


def host_without_the_log(shared: World) -> World:
    hook(shared.origin, "update", 'case "$1" in refs/mlgit/*) exit 1;; esac')
    git(shared.origin, "update-ref", "-d", log.REF)
    sends(shared.root, "v1.2.0")
    return shared


@pytest.mark.parametrize("honest", [keep_one_back, log_that_began_without_a_remote, published_elsewhere, host_without_the_log])
def test_honest_differences_are_notes(shared, cli, honest):
    honest(shared)
    done = cli(shared.root, "model", "verify")
    assert (done.code, "note: " in done.out, "all as written" in done.out) == (0, True, True), done.said


def test_tags_that_are_none_of_models_are_not_compared(shared, cli):
    git(shared.origin, "tag", "v7", "main")
    git(shared.root, "tag", "v8", "main")
    done = cli(shared.root, "model", "verify")
    assert (done.code, "note" in done.out) == (0, False), done.said


def test_race_that_was_lost_in_this_clone_is_told(shared, cli):
    bob = shared.clone("bob", email="bob@example.com")
    sends(bob, "v1.2.0")
    git(shared.root, "tag", "-a", "-m", "x", "churn#prod#3", assign(shared.root, "v1.2.0").target)
    found = cli(shared.root, "model", "verify", "--json").json["findings"]
    assert ("moved", "churn#prod#3") in [(each["kind"], each["tag"]) for each in found]
