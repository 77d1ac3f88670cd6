"""Following the tags of a model: what they say is served, what cannot be believed is not, and the remote may be away."""

from __future__ import annotations

import json
import shutil
import socket
from contextlib import closing

import pytest

from mlgit import project as projects
from mlgit.errors import MlgitError
from mlgit.registry import grammar
from mlgit.serving.follow import TagFollower
from mlgit.serving.followed_remote import FollowedRemote
from tests.kit import git
from tests.kit.forked import mlgit
from tests.registry.signing import trust, with_key
from tests.registry.worlds import churn, facts, hook, world
from tests.serving.releases import released

pytestmark = pytest.mark.slow  # a repository with a remote, and clones of it, for each


@pytest.fixture
def shared(tmp_path):
    """Ada's clone, who put v1.0.0 into prod, and the shared repository."""
    made = world(tmp_path)
    promote(made.root, "v1.0.0")
    return made


@pytest.fixture
def server(shared):
    """A clone to serve from; its cache has all bytes."""
    return shared.clone("server")


def promote(root, version, environment="prod", *args):
    done = mlgit(root, "model", "promote", f"churn@{version}", environment, "--push", *args)
    assert done.code == 0, done.said


def rollback(root):
    done = mlgit(root, "model", "rollback", "churn", "prod", "--message", "worse", "--push")
    assert done.code == 0, done.said


def follower(root, word="churn#prod", notes=None, *, asks=True, **options):
    project = projects.find(root)
    note = (lambda _: None) if notes is None else notes.append
    remote = FollowedRemote(project.git_root, "" if asks else None, note, **options)
    return TagFollower(project, grammar.reference(word), remote=remote, note=note)


def version_of(folder):
    return json.loads((folder / "release.json").read_text())["version"] if folder else None


def served(found):
    """The versions of a deployment: champion, canary, shadow; None for no news."""
    return found and tuple(version_of(each) for each in (found.champion, found.canary, found.shadow))


def forge(origin, root, ref, old, new):
    """Push another tag object under the name of a published one."""
    event = next(each for each in churn(root).events if each.ref == ref)
    forged = event.text.replace(old, new)
    target = churn(root).version(new).commit
    git(root, "tag", "-f", "-a", ref, target, "--cleanup=verbatim", "-m", forged)
    git(root, "push", "--quiet", "--force", "origin", f"refs/tags/{ref}")


def test_what_is_in_the_environment_is_served_and_told_once(server):
    following = follower(server)
    assert served(following.look()) == ("v1.0.0", None, None)
    assert following.look() is None


def test_promotion_and_rollback_by_another_clone_are_followed(shared, server):
    following = follower(server)
    first = following.look()
    promote(shared.root, "v1.1.0")
    assert served(following.look()) == ("v1.1.0", None, None)
    rollback(shared.root)
    back = following.look()
    assert (served(back), back.champion == first.champion) == (("v1.0.0", None, None), False)
    assert following.look() is None


def test_tags_of_others_are_no_news(shared, server):
    following = follower(server)
    following.look()
    git(shared.root, "tag", "release-7")
    git(shared.root, "push", "--quiet", "origin", "release-7")
    promote(shared.root, "v1.1.0", "staging")
    assert following.look() is None


def test_asked_anew_the_same_is_told_again(server):
    following = follower(server)
    assert following.look() == following.look(anew=True)


def test_version_is_served_by_its_name_wherever_it_is(shared, server):
    following = follower(server, "churn@v1.2.0")
    assert served(following.look()) == ("v1.2.0", None, None)
    promote(shared.root, "v1.1.0")
    assert following.look() is None


def test_withdrawn_version_is_not_served(shared, server):
    done = mlgit(shared.root, "model", "retire", "churn@v1.1.0", "--push")
    assert done.code == 0, done.said
    with pytest.raises(MlgitError, match=r"churn@v1\.1\.0 was withdrawn"):
        follower(server, "churn@v1.1.0").look()


def test_environment_that_was_emptied_keeps_what_was_served(shared, server):
    following = follower(server)
    following.look()
    assert mlgit(shared.root, "model", "unassign", "churn", "prod", "--push").code == 0
    for _ in range(2):
        with pytest.raises(MlgitError, match="nothing is in 'prod'"):
            following.look()
    promote(shared.root, "v1.2.0")
    assert served(following.look()) == ("v1.2.0", None, None)


def test_tag_that_was_moved_on_the_remote_is_refused(shared, server):
    following = follower(server)
    following.look()
    forge(shared.origin, shared.root, "churn#prod#1", "v1.0.0", "v1.2.0")
    with pytest.raises(MlgitError, match=r"churn#prod#1: is [0-9a-f]{10} here and [0-9a-f]{10} on 'origin'"):
        following.look()


def test_forged_tag_is_refused_by_a_clone_that_never_saw_the_true_one(shared):
    forge(shared.origin, shared.root, "churn#prod#1", "v1.0.0", "v1.2.0")
    late = shared.clone("late")
    git(late, "fetch", "--quiet", "origin", "refs/mlgit/log:refs/mlgit/log")
    with pytest.raises(MlgitError, match=r"churn#prod#1: is not the tag that was published"):
        follower(late).look()
    with pytest.raises(MlgitError, match=r"churn#prod#1: is not the tag that was published"):
        follower(late, asks=False).look()


def test_tag_that_was_deleted_on_the_remote_is_refused_until_it_is_back(shared, server):
    promote(shared.root, "v1.1.0")
    following = follower(server)
    following.look()
    git(shared.origin, "update-ref", "-d", "refs/tags/churn#prod#2")
    with pytest.raises(MlgitError, match=r"churn#prod#2: is gone from 'origin', and the log there says that it was published"):
        following.look()
    git(shared.root, "push", "--quiet", "origin", "refs/tags/churn#prod#2")
    assert following.look() is None


def test_tag_of_another_tool_does_not_decide(shared, server):
    following = follower(server)
    following.look()
    git(shared.root, "tag", "-a", "churn#prod#2", churn(shared.root).version("v1.2.0").commit, "-m", "by hand")
    git(shared.root, "push", "--quiet", "origin", "refs/tags/churn#prod#2")
    with pytest.raises(MlgitError, match=r"churn#prod#2: written by another tool"):
        following.look()
    promote(shared.root, "v1.1.0")
    assert served(following.look()) == ("v1.1.0", None, None)


def test_lightweight_tag_counts_for_nothing(shared, server):
    following = follower(server)
    following.look()
    git(shared.root, "tag", "churn#prod#9", churn(shared.root).version("v1.2.0").commit)
    git(shared.root, "push", "--quiet", "origin", "refs/tags/churn#prod#9")
    assert following.look() is None


def test_tampered_bytes_are_refused_and_what_is_served_stays(shared, server):
    following = follower(server)
    first = following.look()
    promote(shared.root, "v1.1.0")
    md5 = facts(shared.root, "churn@v1.1.0")["model"]["md5"]
    path = server / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    path.chmod(0o644)
    path.write_text('{"learner": {"depth": 9}}')
    with pytest.raises(MlgitError, match=r"churn@v1\.1\.0: models/churn\.json: not in the cache"):
        following.look()
    assert version_of(first.champion) == "v1.0.0"


def test_what_went_wrong_is_not_tried_by_every_look_and_is_when_asked(shared, server):
    following = follower(server)
    following.look()
    promote(shared.root, "v1.1.0")
    cache = server / ".dvc" / "cache"
    cache.rename(server / "aside")
    for _ in range(2):
        with pytest.raises(MlgitError, match="not in the cache"):
            following.look()
    (server / "aside").rename(cache) if not cache.exists() else shutil.copytree(server / "aside", cache, dirs_exist_ok=True)
    with pytest.raises(MlgitError, match="not in the cache"):
        following.look()
    assert served(following.look(anew=True)) == ("v1.1.0", None, None)


def test_remote_that_is_gone_is_told_once_and_gone_without(shared, server):
    notes = []
    following = follower(server, notes=notes)
    shared.origin.rename(shared.origin.with_name("away"))
    assert served(following.look()) == ("v1.0.0", None, None)
    assert following.look() is None
    assert len(notes) == 1
    assert notes[0].startswith("the remote 'origin' does not answer: ")
    shared.origin.with_name("away").rename(shared.origin)
    promote(shared.root, "v1.1.0")
    assert served(following.look()) == ("v1.1.0", None, None)
    assert notes[1:] == ["the remote 'origin' answers again"]


def test_remote_that_never_answers_is_not_waited_for(server):
    notes = []
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        git(server, "remote", "set-url", "origin", f"git://127.0.0.1:{silent.getsockname()[1]}/x")
        assert served(follower(server, notes=notes, patience=0.2).look()) == ("v1.0.0", None, None)
    assert notes == [
        "the remote 'origin' does not answer: `git ls-remote` took more than 0.2 s; going on with the tags that are here"
    ]


def test_clone_without_tags_and_history_gets_what_it_needs(shared):
    thin = shared.clone("thin", "--depth=1", "--no-tags")
    assert git(thin, "tag", "--list") == ""
    following = follower(thin)
    assert served(following.look()) == ("v1.0.0", None, None)
    promote(shared.root, "v1.2.0")
    assert served(following.look()) == ("v1.2.0", None, None)


def test_without_asking_the_tags_that_are_here_count(shared, server):
    following = follower(server, asks=False)
    following.look()
    promote(shared.root, "v1.1.0")
    assert following.look() is None
    git(server, "fetch", "--quiet", "--tags")
    assert served(following.look()) == ("v1.1.0", None, None)


def test_environment_that_asks_for_signatures_serves_no_other(shared, tmp_path):
    key = with_key(shared.root, tmp_path / "keys", "ada@example.com")
    trust(shared.root, tmp_path / "signers", {"ada@example.com": key})
    shared.settle("environments: [{name: prod, requires: {signed: true}}]\n")
    promote(shared.root, "v1.1.0", "prod", "--sign")
    server = shared.clone("server")
    with pytest.raises(MlgitError, match=r"churn#prod#2: 'prod' asks for a signature, and this one is not trusted"):
        follower(server).look()
    trust(server, tmp_path / "signers", {"ada@example.com": key})
    assert served(follower(server).look()) == ("v1.1.0", None, None)


@pytest.fixture
def trial(shared):
    """The shared repository, where the settings of v2.0.0, in prod, name a canary and a shadow."""
    root = shared.root
    settings = (root / "mlgit.yaml").read_text()
    serving = "serving: {churn: {canary: {environment: canary, share: 5%}, shadow: {environment: staging}}}\n"
    released(root, "v2.0.0", {"mlgit.yaml": settings + serving}, "--push")
    git(root, "push", "--quiet", "origin", "HEAD:main")
    promote(root, "v2.0.0")
    return shared


def test_canary_and_shadow_are_environments_that_the_champion_names(trial):
    following = follower(trial.clone("server"))
    assert served(following.look()) == ("v2.0.0", None, None)
    promote(trial.root, "v1.1.0", "canary")
    found = following.look()
    assert (served(found), found.share, found.key) == (("v2.0.0", "v1.1.0", None), 0.05, "request_id")
    promote(trial.root, "v1.2.0", "staging")
    assert served(following.look()) == ("v2.0.0", "v1.1.0", "v1.2.0")
    assert mlgit(trial.root, "model", "unassign", "churn", "canary", "--push").code == 0
    found = following.look()
    assert (served(found), found.share) == (("v2.0.0", None, "v1.2.0"), 0.0)


def test_canary_that_is_the_champion_is_none(trial):
    promote(trial.root, "v2.0.0", "canary")
    assert served(follower(trial.clone("server")).look()) == ("v2.0.0", None, None)


def test_trial_that_cannot_be_had_does_not_hold_up_the_champion(trial):
    notes = []
    server = trial.clone("server")
    promote(trial.root, "v1.1.0", "canary")
    md5 = facts(trial.root, "churn@v1.1.0")["model"]["md5"]
    path = server / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    content = path.read_bytes()
    path.unlink()
    following = follower(server, notes=notes)
    assert served(following.look()) == ("v2.0.0", None, None)
    assert following.look() is None
    assert [each.partition(": ")[0] for each in notes] == ["'canary' is left out"]
    path.write_bytes(content)
    assert served(following.look()) == ("v2.0.0", "v1.1.0", None)


def test_hook_of_the_host_that_refuses_the_log_hinders_nobody(shared, server):
    hook(shared.origin, "update", 'case "$1" in refs/mlgit/*) exit 1;; esac')
    following = follower(server)
    following.look()
    promote(shared.root, "v1.1.0")
    assert served(following.look()) == ("v1.1.0", None, None)
