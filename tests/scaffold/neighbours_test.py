"""Which files of a repository belong to other projects than the one that is updated."""

from pathlib import PurePosixPath

import pytest

from mlgit.adapters.git import git, merging
from mlgit.scaffold import neighbours, state
from mlgit.scaffold.state import State
from tests import kit


@pytest.fixture
def root(tmp_path):
    kit.git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def files_of(root, *projects, own=()):
    """A commit's files: of each project (folder, what its template gave from the top) with its state, and others."""
    found = dict.fromkeys(own, ("100644", b""))
    for folder, given in projects:
        contents = {path: ("100644", path.encode()) for path in given}
        recorded = State("demo", "1.0.0", git.write_tree(root, contents), {}, folder=folder.rstrip("/") or "x")
        found |= contents | {f"{folder}{state.NAME}": ("100644", state.dump(recorded).encode())}
    return merging.entries(root, git.write_tree(root, found))


def test_other_project_has_its_folder_and_what_its_template_gave_outside(root):
    files = files_of(root, ("one/", ["ci/one.yml", "one/a"]), ("two/", ["ci/two.yml", "two/a"]), own=["two/mine", "README"])
    assert set(neighbours.of_others(root, files, prefix="one/")) == {"ci/two.yml", "two/a", "two/mine", f"two/{state.NAME}"}


@pytest.mark.parametrize(("prefix", "theirs"), [("", {"in/a", "in/mine"}), ("in/", {"a"})])
def test_of_projects_within_each_other_the_outer_has_only_what_its_template_gave(root, prefix, theirs):
    files = files_of(root, ("", ["a"]), ("in/", ["in/a"]), own=["mine", "in/mine"])
    found = neighbours.of_others(root, files, prefix=prefix)
    assert {path for path in found if PurePosixPath(path).name != state.NAME} == theirs


@pytest.mark.parametrize("text", [b"", b"\xff", b"<<<<<<< yours\n", b"template: demo\n"])
def test_state_of_another_project_that_cannot_be_read_leaves_it_its_folder(root, text):
    files = merging.entries(
        root, git.write_tree(root, {f"two/{state.NAME}": ("100644", text), "two/a": ("100644", b""), "b": ("100644", b"")})
    )
    assert set(neighbours.of_others(root, files, prefix="")) == {f"two/{state.NAME}", "two/a"}
