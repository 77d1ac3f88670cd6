"""Several projects of one template in a repository: what becomes of one is nothing to the others."""

import json
import shutil

import pytest

from mlgit.commands import template_status, template_update
from mlgit.commands.new import new
from tests.kit import commit, git
from tests.scaffold.kit import HEAD, write_template

pytestmark = pytest.mark.slow  # real `dvc init`


def lines(name, **changed):
    return "".join(f"{changed.get(f'line_{i}', f'{name} {i}')}\n" for i in range(12))


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the projects `one` and `two`, of a template whose next version changes a.txt."""
    template = write_template(tmp_path / "template", {"a.txt": lines("a"), "b.txt": lines("b")})
    new(tmp_path / "p", template=str(template))
    root = tmp_path / "all"
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    git(root, "fetch", "-q", "../p", "refs/mlgit/template:refs/mlgit/template")
    for name in ("one", "two"):
        shutil.copytree(tmp_path / "p", root / name, ignore=shutil.ignore_patterns(".git"))
    commit(root, "Begin")
    (template / "files/a.txt").write_text(lines("a", line_2="theirs"))
    (template / "template.yaml").write_text(json.dumps({**HEAD, "version": "1.3.0"}))
    monkeypatch.chdir(root / "one")
    return root


def test_update_of_one_project_leaves_the_other_and_its_render(repository, monkeypatch):
    template_update.update_project()
    assert {row[3:] for row in git(repository, "status", "--porcelain").splitlines()} == {
        "one/.mlgit-template.yaml",
        "one/a.txt",
    }
    commit(repository, "Update one")
    monkeypatch.chdir(repository / "two")
    assert template_status.status().behind == 1
    assert [each.path for each in template_update.update_project().changes] == ["two/a.txt"]


def test_file_that_one_project_deleted_is_not_taken_to_be_renamed_to_the_same_file_of_another(repository):
    git(repository, "rm", "-q", "one/a.txt")
    commit(repository, "Delete")
    assert [(each.path, each.state) for each in template_status.status().files] == [("one/a.txt", "deleted")]
    done = template_update.update_project()
    assert [(each.path, each.outcome) for each in done.changes] == [("one/a.txt", "kept-deleted")]
    assert (repository / "two/a.txt").read_text() == lines("a")


def test_project_that_was_moved_is_found_at_its_new_place_and_not_in_another(repository, monkeypatch):
    (repository / "one/a.txt").write_text(lines("a", line_9="mine"))
    git(repository, "add", "--all")
    git(repository, "mv", "one", "uno")
    commit(repository, "Move")
    monkeypatch.chdir(repository / "uno")
    assert [(each.path, each.outcome) for each in template_update.update_project().changes] == [("uno/a.txt", "merged")]
    assert (repository / "uno/a.txt").read_text() == lines("a", line_2="theirs", line_9="mine")
