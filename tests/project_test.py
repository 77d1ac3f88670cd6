"""Where a project is: in a repository, in a folder of one, in a worktree; and what is said where there is none."""

from __future__ import annotations

import pytest

from mlgit import project
from mlgit.config import Config
from mlgit.errors import MlgitError
from tests import kit


@pytest.fixture
def monorepo(tmp_path):
    """A repository with a project in a subfolder."""
    root = tmp_path.resolve() / "repository"
    (root / "models/tumor/.dvc").mkdir(parents=True)
    kit.write_tree(root, {"models/tumor/src/deep/file": ""})
    kit.git(root, "init", "--quiet")
    return root


def test_project_at_the_top_of_its_repository(tmp_path):
    root = kit.repository(tmp_path.resolve())
    found = project.find(root)
    assert (found.root, found.git_root, found.prefix) == (root, root, "")


def test_project_in_a_subfolder_is_found_from_below(monorepo):
    found = project.find(monorepo / "models/tumor/src/deep")
    assert (found.root, found.git_root, found.prefix) == (monorepo / "models/tumor", monorepo, "models/tumor/")


def test_start_is_the_current_folder(monorepo, monkeypatch):
    monkeypatch.chdir(monorepo / "models/tumor/src")
    assert project.find().root == monorepo / "models/tumor"


def test_nearest_project_is_the_one(monorepo):
    (monorepo / ".dvc").mkdir()
    assert project.find(monorepo / "models/tumor/src").root == monorepo / "models/tumor"
    assert project.find(monorepo / "models").root == monorepo


def test_project_behind_a_link_is_found_where_it_is(monorepo, tmp_path):
    (tmp_path / "link").symlink_to(monorepo / "models/tumor/src")
    assert project.find(tmp_path / "link").root == monorepo / "models/tumor"


def test_worktree_is_a_repository(tmp_path):
    root = kit.repository(tmp_path.resolve() / "main")
    kit.git(root, "worktree", "add", "--quiet", "../other")
    assert project.find(tmp_path / "other").git_root == tmp_path.resolve() / "other"


def test_own_files_lie_where_git_ignores_them(tmp_path):
    root = kit.repository(tmp_path)
    folder = project.find(root).own_folder
    kit.write_tree(folder, {"file": "x"})
    assert kit.git(root, "status", "--porcelain") == ""


def test_folder_outside_a_repository_is_refused(tmp_path):
    with pytest.raises(MlgitError) as caught:
        project.find(tmp_path)
    assert caught.value.message == f"{tmp_path.resolve()}: not inside a Git repository"
    assert caught.value.hint == "`mlgit new DIR` makes one, or type `git init && mlgit init`"


def test_project_outside_a_repository_is_refused(tmp_path):
    (tmp_path / ".dvc").mkdir()
    with pytest.raises(MlgitError, match="not inside a Git repository"):
        project.find(tmp_path)


def test_repository_without_a_project_is_refused(tmp_path):
    kit.git(tmp_path, "init", "--quiet")
    with pytest.raises(MlgitError) as caught:
        project.find(tmp_path)
    assert caught.value.message == f"{tmp_path.resolve()}: no DVC project here or in any folder above"
    assert caught.value.hint == "type `mlgit init` in the project's folder"


def test_path_is_shown_from_the_current_folder(monorepo, monkeypatch):
    monkeypatch.chdir(monorepo / "models/tumor/src")
    found = project.find()
    assert found.relative(found.root / "dvc.yaml") == "../dvc.yaml"


def test_project_without_configuration_has_the_empty_one(monorepo):
    assert project.load_config(project.find(monorepo / "models/tumor")) == Config()


def test_configuration_is_the_projects_own(monorepo):
    text = "mlgit: 1\nmetrics: {auc: {direction: higher}}\n"
    kit.write_tree(monorepo, {"mlgit.yaml": "broken: [", "models/tumor/mlgit.yaml": text})
    assert project.load_config(project.find(monorepo / "models/tumor")).direction("auc") == "higher"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"mlgit: [\n", "mlgit.yaml: line 2, column 1: did not find expected node content"),
        (b"mlgit: 1\nmetrc: {}\n", "mlgit.yaml: metrc: unknown key, did you mean 'metrics'?"),
        (b"", "mlgit.yaml: mlgit: missing"),
        (b"\xff", "mlgit.yaml: line 1: not UTF-8 text (byte 0xff at offset 0)"),
    ],
)
def test_fault_in_the_configuration_is_named(monorepo, content, message):
    kit.write_tree(monorepo / "models/tumor", {"mlgit.yaml": content})
    with pytest.raises(MlgitError) as caught:
        project.load_config(project.find(monorepo / "models/tumor"))
    assert caught.value.message == message
