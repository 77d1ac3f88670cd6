"""What becomes of a file in an update: what a user did to it, by what the template did, after every kind of history."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlgit.commands.template_update import abort_update, update_project
from tests.kit import git
from tests.scaffold import update_kit
from tests.scaffold.update_kit import HISTORIES, cells, content, name_of

pytestmark = pytest.mark.slow

NOTHING = None
TABLE = {
    ("untouched", "unchanged"): NOTHING,
    ("untouched", "changed"): "changed",
    ("untouched", "deleted"): "deleted",
    ("untouched", "renamed"): "renamed",
    ("untouched", "added"): "added",
    ("elsewhere", "unchanged"): NOTHING,
    ("elsewhere", "changed"): "merged",
    ("elsewhere", "deleted"): "conflict",
    ("elsewhere", "renamed"): "renamed",
    ("elsewhere", "added"): "conflict",
    ("same", "unchanged"): NOTHING,
    ("same", "changed"): "conflict",
    ("same", "deleted"): "conflict",
    ("same", "renamed"): "renamed",
    ("same", "added"): NOTHING,
    ("deleted", "unchanged"): NOTHING,
    ("deleted", "changed"): "kept-deleted",
    ("deleted", "deleted"): NOTHING,
    ("deleted", "renamed"): "kept-deleted",
    ("deleted", "added"): "added",
    ("renamed", "unchanged"): NOTHING,
    ("renamed", "changed"): "renamed",
    ("renamed", "deleted"): "conflict",
    ("renamed", "renamed"): "renamed",
    ("renamed", "added"): "added",
    ("moved", "unchanged"): NOTHING,
    ("moved", "changed"): "renamed",
    ("moved", "deleted"): "conflict",
    ("moved", "renamed"): "renamed",
    ("moved", "added"): "added",
    ("mode", "unchanged"): NOTHING,
    ("mode", "changed"): "merged",
    ("mode", "deleted"): "conflict",
    ("mode", "renamed"): "renamed",
    ("mode", "added"): "conflict",
    ("link", "unchanged"): NOTHING,
    ("link", "changed"): "conflict",
    ("link", "deleted"): "conflict",
    ("link", "renamed"): "kept-deleted",
    ("link", "added"): "conflict",
    ("binary", "unchanged"): NOTHING,
    ("binary", "changed"): "conflict",
    ("binary", "deleted"): "conflict",
    ("binary", "renamed"): "renamed",
    ("binary", "added"): "conflict",
}


@pytest.fixture(params=HISTORIES, scope="module")
def updated(request, tmp_path_factory):
    """A project after an update, and the outcomes by path of the template."""
    folder = tmp_path_factory.mktemp(request.param)
    one, two = update_kit.write_versions(folder)
    project = HISTORIES[request.param](update_kit.make_project(folder / "p", one))
    update_kit.lose(one)
    here = Path.cwd()
    os.chdir(project)
    try:
        result = update_project(source=str(two))
    finally:
        os.chdir(here)
    return project, {each.path: each for each in result.changes}, result


def path_of(cell, changes):
    """Where the user's file is afterwards."""
    user, template = cell
    name = name_of(*cell)
    own = {"renamed": f"my-{name}", "moved": f"moved/{name}"}.get(user, name) if template != "added" else name
    found = changes.get(name)
    return found.renamed_to if found and found.renamed_to else own


def test_outcome_of_every_file_is_that_of_the_table(updated):
    _, changes, _ = updated
    assert {cell: found.outcome if (found := changes.get(name_of(*cell))) else NOTHING for cell in cells()} == TABLE
    assert changes.keys() <= {name_of(*cell) for cell in cells()}


def test_nothing_that_the_user_did_is_lost(updated):
    project, changes, _ = updated
    for cell in cells():
        user, path = cell[0], project / path_of(cell, changes)
        if user in ("elsewhere", "same") and cell != ("same", "added"):
            assert "mine\n" in path.read_text(), cell
        elif user == "mode":
            assert os.access(path, os.X_OK), cell
        elif user == "link":
            assert os.readlink(path) == "own.txt", cell
        elif user == "binary":
            assert path.read_bytes().endswith(b"\0\1\2"), cell
        elif user == "deleted" and cell[1] != "added":
            assert not path.exists(), cell
        elif user in ("renamed", "moved") and cell[1] != "added":
            assert path.exists(), cell
            assert not (project / name_of(*cell)).exists(), cell


def test_what_the_template_changed_is_there(updated):
    project, changes, _ = updated
    for cell in cells():
        path = project / path_of(cell, changes)
        if cell[1] == "changed" and cell[0] not in ("deleted", "link", "binary"):
            assert "theirs\n" in path.read_text(), cell
        if TABLE[cell] == "added":
            assert path.read_text() == content(name_of(*cell))
    assert (
        "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template 1.1.0\n" in (project / name_of("same", "changed")).read_text()
    )


def test_files_of_the_template_that_were_not_kept_leave_no_trace(updated):
    project, _, _ = updated
    gone = [
        name_of("untouched", "deleted"),
        f"template-{name_of('renamed', 'renamed')}",
        f"template-{name_of('deleted', 'renamed')}",
    ]
    assert not [name for name in gone if (project / name).exists()]
    assert not [path for path in project.rglob("*~*") if ".git/" not in str(path)]


def test_index_tells_the_conflicts_as_a_merge_of_git_does(updated):
    project, _, result = updated
    rows = git(project, "status", "--porcelain").splitlines()
    unmerged = {row[3:] for row in rows if row[:2] in ("UU", "AA", "UD", "DU", "AU", "UA", "DD")}
    assert unmerged == {each.renamed_to or each.path for each in result.conflicts}
    assert not [row for row in rows if row[1] not in " UDA"]
    assert (result.before.version, result.after.version, result.exit_code) == ("1.0.0", "1.1.0", 1)
    assert git(project, "show", f":3:{name_of('link', 'changed')}") == content(
        name_of("link", "changed"), line_2="theirs"
    ).rstrip("\n")


def test_abort_puts_everything_back_and_update_can_come_again(updated, monkeypatch):
    project, changes, _ = updated
    monkeypatch.chdir(project)
    kept = ("for-each-ref", "--format=%(objectname)", "refs/mlgit/template")
    render = git(project, *kept)
    abort_update()
    assert git(project, "status", "--porcelain") == ""
    assert git(project, *kept) != render
    again = update_project(source=str(project.parent / "two"))
    assert {each.path: each for each in again.changes} == changes
    assert git(project, *kept) == render
