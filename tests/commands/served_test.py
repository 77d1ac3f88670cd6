"""What `mlgit serve` is asked to follow: a name, a version or an environment, with the remote's tags at hand."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading

import pytest

from mlgit.adapters.git import remote_tags
from mlgit.commands.served import follow
from mlgit.errors import MlgitError
from tests.kit import commit, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import FILES, RAW, made
from tests.registry.worlds import facts, world

pytestmark = pytest.mark.slow  # a repository with a remote, and clones of it, for each


def promote(root, version, environment="prod", *args, name="churn"):
    done = mlgit(root, "model", "promote", f"{name}@{version}", environment, "--push", *args)
    assert done.code == 0, done.said


def champion(following):
    return json.loads((following.look().champion / "release.json").read_text())


@pytest.fixture
def shared(tmp_path):
    return world(tmp_path)


def test_environment_is_the_one_that_was_named(shared, monkeypatch):
    promote(shared.root, "v1.0.0", "staging")
    promote(shared.root, "v1.1.0", "prod")
    monkeypatch.chdir(shared.root)
    found = champion(follow("churn#staging"))
    assert (found["version"], found["tag"]) == ("v1.0.0", "churn#staging#1")


def test_bare_name_is_the_last_declared_environment_that_has_a_version(shared, monkeypatch):
    monkeypatch.chdir(shared.root)
    promote(shared.root, "v1.0.0", "staging")
    assert follow("churn").wanted.environment == "staging"
    promote(shared.root, "v1.1.0", "prod")
    assert follow("churn").wanted.environment == "prod"


def test_bare_name_is_no_environment_of_versions_on_trial(shared, monkeypatch):
    root = shared.root
    monkeypatch.chdir(root)
    settings = (root / "mlgit.yaml").read_text()
    write_tree(root, {"mlgit.yaml": f"{settings}serving: {{churn: {{canary: {{environment: canary, share: 5%}}}}}}\n"})
    commit(root)
    git(root, "push", "--quiet", "origin", "HEAD:main")
    assert mlgit(root, "model", "register", "churn", "--version", "v2.0.0", "--push").code == 0
    promote(root, "v2.0.0", "prod")
    promote(root, "v1.1.0", "canary")
    assert follow("churn").wanted.environment == "prod"


def test_without_a_version_in_any_environment_it_is_told_what_to_type(shared, monkeypatch):
    monkeypatch.chdir(shared.root)
    with pytest.raises(MlgitError, match="'churn': no environment has a version of it") as caught:
        follow("churn")
    assert caught.value.hint.startswith("`mlgit model promote churn ENVIRONMENT` puts one there")
    with pytest.raises(MlgitError, match="nothing is in 'prod'"):
        follow("churn#prod")
    with pytest.raises(MlgitError, match=r"'churn@v9\.0\.0': version not found"):
        follow("churn@v9.0.0")
    with pytest.raises(MlgitError, match="'chrn': no version is registered, did you mean 'churn'"):
        follow("chrn")


def test_environments_that_nobody_declared_are_taken_where_there_is_one(shared, monkeypatch):
    monkeypatch.chdir(shared.root)
    shared.settle("")
    promote(shared.root, "v1.0.0", "live", "--new-environment")
    assert follow("churn").wanted.environment == "live"
    promote(shared.root, "v1.0.0", "edge", "--new-environment")
    with pytest.raises(MlgitError, match="'churn': in several environments") as caught:
        follow("churn")
    assert caught.value.hint == "name one: churn#edge, churn#live"


def test_clone_without_tags_asks_for_them_unless_it_may_not(shared, monkeypatch):
    promote(shared.root, "v1.1.0")
    monkeypatch.chdir(shared.clone("thin", "--depth=1", "--no-tags"))
    with pytest.raises(MlgitError, match="no version is registered"):
        follow("churn", asks=False)
    assert champion(follow("churn"))["version"] == "v1.1.0"


def test_bytes_come_from_the_dvc_remote_and_tampered_ones_from_nowhere(shared, monkeypatch, tmp_path):
    promote(shared.root, "v1.1.0")
    there = tmp_path / "storage"
    (shared.root / ".dvc" / "config").write_text(f"[core]\n    remote = s\n['remote \"s\"']\n    url = {there}\n")
    commit(shared.root)
    git(shared.root, "push", "--quiet", "origin", "HEAD:main")
    shutil.copytree(shared.root / ".dvc" / "cache" / "files", there / "files")
    git(tmp_path, "clone", "--quiet", str(shared.origin), "server")
    monkeypatch.chdir(tmp_path / "server")
    following = follow("churn")
    deployed = following.look()
    assert (deployed.champion / "model" / "churn.json").read_text() == '{"learner": {"depth": 5}, "version": [2, 0, 0]}'

    md5 = facts(shared.root, "churn@v1.2.0")["model"]["md5"]
    (tampered,) = there.glob(f"**/{md5[:2]}/{md5[2:]}")
    tampered.chmod(0o644)
    tampered.write_text('{"learner": {"depth": 9}, "version": [2, 0, 0]}')
    promote(shared.root, "v1.2.0")
    with pytest.raises(MlgitError, match=rf"churn@v1\.2\.0: .*{md5[:4]}|churn@v1\.2\.0: models/churn\.json"):
        following.look()
    assert deployed.champion.is_dir()


def test_two_servers_of_one_clone_follow_side_by_side(shared, monkeypatch):
    promote(shared.root, "v1.0.0")
    monkeypatch.chdir(shared.clone("server"))
    followers = [follow("churn") for _ in range(2)]
    before = [each.look() for each in followers]
    promote(shared.root, "v1.1.0")
    found = {}

    def look(number):
        try:
            found[number] = followers[number].look()
        except MlgitError as error:
            found[number] = error

    threads = [threading.Thread(target=look, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found[0] == found[1]
    assert found[0].champion != before[0].champion
    followers[0].keep(found[0])
    assert before[1].champion.is_dir()
    followers[1].keep(found[1])
    assert not before[1].champion.is_dir()
    assert found[1].champion.is_dir()


def tampered(folder, name):
    """Another content of a file of a release, as somebody could write it who may write there."""
    content = (folder / name).read_bytes()
    document = json.loads(content) if name == "release.json" else {}
    if name == "release.json":
        document["serving"]["invalid"] = "flag"
        (folder / name).write_text(json.dumps(document))
    elif name == "model/churn.json":  # with the digests that release.json would have to say
        (folder / name).write_text("{}")
        document = json.loads((folder / "release.json").read_text())
        document["sha256"], document["md5"] = (hashlib.new(each, b"{}").hexdigest() for each in ("sha256", "md5"))
        (folder / "release.json").write_text(json.dumps(document))
    else:
        (folder / name).write_text("other")
    return content


@pytest.mark.parametrize("name", ["model/churn.json", "release.json", "code/src/train.sh", "code/src/__init__.py", "code/link"])
def test_release_folder_that_was_tampered_with_is_made_anew(shared, monkeypatch, name):
    promote(shared.root, "v1.0.0")
    monkeypatch.chdir(shared.root)
    first = follow("churn", with_code=True).look().champion
    inode = first.stat().st_ino
    assert follow("churn", with_code=True).look().champion.stat().st_ino == inode
    before = tampered(first, name) if (first / name).exists() else None
    if before is None:
        (first / name).write_text("import os\n")
    again = follow("churn", with_code=True).look().champion
    assert (again, again.stat().st_ino != inode) == (first, True)
    assert before == ((again / name).read_bytes() if (again / name).exists() else None)


def test_model_of_a_project_in_a_folder_is_served_with_its_code(tmp_path, monkeypatch):
    root = tmp_path / "mono"
    repository(root / "teams" / "risk", {**FILES, "data/raw.csv": RAW})
    inner = root / "teams" / "risk"
    (inner / ".git").rename(root / ".git")
    git(root, "add", "--all")
    git(root, "rm", "--quiet", "--cached", "teams/risk/data/raw.csv")
    for args in (("add", "data/raw.csv"), ("run",)):
        done = mlgit(inner, *args)
        assert done.code == 0, done.said
    commit(root)
    for args in (("register", "churn", "--version", "v1.0.0"), ("promote", "churn@v1.0.0", "prod", "--new-environment")):
        done = mlgit(inner, "model", *args)
        assert done.code == 0, done.said
    for folder, word in ((root, "teams/risk:churn"), (inner, "churn#prod"), (inner / "src", "churn@v1.0.0")):
        monkeypatch.chdir(folder)
        following = follow(word, with_code=True)
        found = champion(following)
        assert (found["model"], found["version"]) == ("teams/risk:churn", "v1.0.0")
        assert following.project.root == inner
    code = following.look(anew=True).champion / "code"
    assert (code / "src" / "train.sh").read_text() == FILES["src/train.sh"]
    assert not (code / "teams").exists()


def test_commit_that_another_tool_put_into_an_environment_is_served(tmp_path, monkeypatch, cli):
    root = made(tmp_path / "project", cli)
    git(root, "tag", "-a", "churn#prod#1", "-m", "Assigning stage prod")
    monkeypatch.chdir(root)
    found = champion(follow("churn"))
    commit_id = git(root, "rev-parse", "HEAD")
    assert (found["version"], found["commit"], found["tag"]) == (commit_id, commit_id, "churn#prod#1")
    assert len(found["sha256"]) == 64


def test_silent_remote_is_waited_for_once_before_serving(shared, monkeypatch):
    promote(shared.root, "v1.0.0")
    server = shared.clone("server")
    monkeypatch.chdir(server)
    asked = []
    look = remote_tags.look

    def counted(*args, **options):
        asked.append(args)
        return look(*args, **options)

    monkeypatch.setattr(remote_tags, "look", counted)
    git(server, "remote", "set-url", "origin", "file:///nowhere")
    notes = []
    following = follow("churn", note=notes.append)
    assert champion(following)["version"] == "v1.0.0"
    assert (len(asked), len(notes)) == (1, 1)
    following.look()
    assert (len(asked), len(notes)) == (2, 1)
