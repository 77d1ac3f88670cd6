"""Objects of a repository by id, read by one process that a command keeps: also when things go wrong on the way."""

from __future__ import annotations

import hashlib
import os
import random

import pytest

from mlgit.adapters.git.git import resolve
from mlgit.adapters.git.objects import GitObjects
from mlgit.errors import MlgitError
from mlgit.pipeline.sources import CommitFiles
from tests.kit import commit, git, repository


@pytest.fixture
def root(tmp_path):
    rng = random.Random(1)
    return repository(tmp_path / "source", {f"{number}.bin": rng.randbytes(2000) for number in range(600)})


def ids(root):
    return [row.split()[2] for row in git(root, "ls-tree", "-r", "HEAD").splitlines()]


def are_themselves(contents):
    return all(hashlib.sha1(b"blob %d\0" % len(each) + each).hexdigest() == oid for oid, each in contents.items())


def test_many_objects_at_once_are_all_read_and_each_is_itself(root):
    objects = GitObjects(root)
    found = objects.blobs(["0" * 40, *ids(root), "abcd", "1" * 40])
    assert found.keys() == set(ids(root))
    assert are_themselves(found)
    objects.close()


def test_fork_asks_a_process_of_its_own(root):
    objects = GitObjects(root)
    objects.read(ids(root)[:1])
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if are_themselves(objects.blobs(ids(root)[1:300])) else 2
            objects.close()
        finally:
            os._exit(code)
    found = objects.blobs(ids(root)[300:600])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(found) >= 300
    assert are_themselves(found)
    objects.close()


class Interrupted(GitObjects):
    """Somebody types Control-C while the first answer is read."""

    times = 1

    def _keep(self, oid, read):
        self.times -= 1
        if self.times == 0:
            raise KeyboardInterrupt
        super()._keep(oid, read)


def test_answers_that_nobody_read_are_not_taken_for_others(root):
    objects = Interrupted(root)
    with pytest.raises(KeyboardInterrupt):
        objects.read(ids(root)[:5])
    assert are_themselves(objects.blobs(ids(root)))
    objects.close()


def test_git_that_was_killed_is_said_and_started_again(root):
    objects = GitObjects(root)
    objects.read(ids(root)[:1])
    objects._child.kill()
    with pytest.raises(MlgitError, match="Git ended while it was reading objects"):
        objects.read(ids(root)[1:3])
    assert len(objects.blobs(ids(root)[1:3])) == 2
    objects.close()


def test_no_process_is_left_of_what_nobody_closed(root):
    objects = GitObjects(root)
    objects.read(ids(root)[:1])
    child = objects._child
    del objects
    assert child.returncode is not None


@pytest.fixture
def partial(root):
    """A clone without blobs, and the repository that it fetches them from."""
    for name in ("allowFilter", "allowAnySHA1InWant"):
        git(root, "config", f"uploadpack.{name}", "true")
    clone = root.parent / "clone"
    git(root, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{root}", str(clone))
    return clone


def missing(clone):
    return git(clone, "rev-list", "--objects", "--missing=print", "HEAD").count("?")


@pytest.mark.slow
def test_partial_clone_fetches_what_is_asked_for_and_no_more(root, partial):
    before = missing(partial)
    objects = GitObjects(partial)
    files = CommitFiles(objects, git(root, "rev-parse", "HEAD"))
    assert len(files.tree) >= 600
    assert missing(partial) == before
    assert files.size("7.bin") == 2000
    assert missing(partial) == before - 1
    objects.close()


@pytest.mark.slow
def test_partial_clone_whose_remote_is_gone_says_what_could_not_be_fetched(root, partial):
    oid = ids(root)[0]
    root.rename(root.parent / "gone")
    objects = GitObjects(partial)
    with pytest.raises(MlgitError, match="could not fetch"):
        objects.read([oid])
    objects.close()


def test_revision_that_a_shallow_clone_lacks_is_said_with_what_brings_it(tmp_path):
    root = repository(tmp_path / "source", {"a": "b"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    with pytest.raises(MlgitError, match="'HEAD~1' is not in this shallow clone") as found:
        resolve(tmp_path / "shallow", "HEAD~1")
    assert "--unshallow" in found.value.hint


@pytest.mark.parametrize("under", ["", "inner/"])
def test_trees_listed_together_are_those_that_are_listed_one_by_one(tmp_path, under):
    files = {"inner/a.txt": "a\n", "inner/b c.txt": "b\n", "z.txt": "z\n", "inner/deep/ü.txt": "u\n"}
    root = repository(tmp_path / "p", files)
    commits = [resolve(root, "HEAD")]
    (root / "inner/a.txt").write_text("longer than before\n")
    commits.append(commit(root, "change"))
    git(root, "mv", "z.txt", "inner/new\nline.txt")
    commits.append(commit(root, "rename"))
    git(root, "rm", "-q", "-r", "inner/deep")
    (root / "inner/deep").symlink_to("a.txt")
    (root / "inner/a.txt").chmod(0o755)
    commits.append(commit(root, "replace a folder by a link"))
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{commits[0]},inner/module")
    git(root, "commit", "--quiet", "-m", "a submodule")
    commits.append(resolve(root, "HEAD"))
    together, alone = GitObjects(root), GitObjects(root)
    for base in (commits[0], commits[-1]):
        together.list_alike(base, commits, under=under)
        for each in commits:
            assert together.tree(each, under=under) == alone.tree(each, under=under)
    together.close()


def test_few_commits_and_none_are_listed_as_ever(root):
    objects = GitObjects(root)
    objects.list_alike(resolve(root, "HEAD"), [])
    objects.list_alike(resolve(root, "HEAD"), [resolve(root, "HEAD")])
    assert len(objects.tree(resolve(root, "HEAD"))) == 603


def test_what_is_no_commit_among_many_is_told_to_who_asks_for_it(root):
    commits = [resolve(root, "HEAD"), *(commit(root, str(number)) for number in range(4))]
    blob = ids(root)[0]
    for base, others in ((blob, commits), (commits[0], [*commits, blob]), (commits[0], [*commits, "0" * 39 + "1"])):
        objects = GitObjects(root)
        objects.list_alike(base, others)
        assert all(len(objects.tree(each)) == 603 for each in commits)
        for each in {base, *others} - set(commits):
            with pytest.raises(MlgitError):
                objects.tree(each)
        objects.close()
