"""A project held against its template, and brought on: what a notebook calls."""

from __future__ import annotations

import json

import pytest

from mlgit.commands import template_library, template_status, template_update
from mlgit.commands.new import new
from mlgit.errors import MlgitError
from tests.kit import commit, git
from tests.scaffold.kit import question, write_template

pytestmark = pytest.mark.slow  # real `dvc init`

FEATURES = {
    "questions": {
        "name": question(default="[[ folder ]]"),
        "features": question("multichoice", choices={"box": "a box", "lid": "a lid"}, requires={"lid": ["box"]}, default=[]),
    },
    "files": {"box.txt": {"when": "box"}, "lid.txt": {"when": "lid"}},
}
FILES = {
    "a.txt.jinja": "[[ name ]]\none\ntwo\nthree\n[% if 'box' in features %]boxed\n[% endif %]",
    "box.txt": "box\n",
    "lid.txt": "lid\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of a template with features, which is the current folder; the template lies beside it."""
    write_template(tmp_path / "template", FILES, **FEATURES)
    new(tmp_path / "p", template=str(tmp_path / "template"))
    monkeypatch.chdir(tmp_path / "p")
    return tmp_path / "p"


def rewrite(project, *, version="1.3.0", files=None, **more):
    """The template's next version."""
    folder = project.parent / "template"
    for path in folder.glob("files/*"):
        path.unlink()
    for path, text in (files or FILES).items():
        (folder / "files" / path).write_text(text)
    manifest = json.loads((folder / "template.yaml").read_text())
    (folder / "template.yaml").write_text(json.dumps({**manifest, "version": version, **more}))


def tree(project):
    git(project, "add", "--all")
    return git(project, "write-tree")


def test_feature_that_is_added_gives_what_a_new_project_with_it_has_and_removed_what_one_without(project, tmp_path):
    before = tree(project)
    for wanted in ("box", "lid"):
        done = template_update.add_feature(wanted)
        assert {each.outcome for each in done.changes} <= {"added", "changed"}
        commit(project, f"Add {wanted}")
    new(tmp_path / "other" / "p", template=str(tmp_path / "template"), assignments=["features=box,lid"])
    assert git(tmp_path / "other/p", "rev-parse", "HEAD^{tree}") == tree(project)
    template_update.remove_feature("lid")
    commit(project, "Remove lid")
    template_update.remove_feature("box")
    assert tree(project) == before


def test_feature_is_added_to_an_older_version_and_stays_through_an_update(project):
    files = {**FILES, "a.txt.jinja": FILES["a.txt.jinja"].replace("one", "ONE"), "new.txt": "new\n"}
    rewrite(project, files=files)
    added = template_update.add_feature("box")
    assert (added.after.version, (project / "a.txt").read_text()) == ("1.2.3", "p\none\ntwo\nthree\nboxed\n")
    assert not (project / "new.txt").exists()
    commit(project, "Add box")
    updated = template_update.update_project()
    assert [(each.path, each.outcome) for each in updated.changes] == [("a.txt", "changed"), ("new.txt", "added")]
    assert (project / "a.txt").read_text() == "p\nONE\ntwo\nthree\nboxed\n"
    commit(project, "Update")
    template_update.remove_feature("box")
    assert not (project / "box.txt").exists()


def test_feature_that_is_changed_by_hand_is_a_conflict_when_removed(project):
    template_update.add_feature("box")
    (project / "box.txt").write_text("mine\n")
    commit(project, "Add box")
    done = template_update.remove_feature("box")
    assert [each.path for each in done.conflicts] == ["box.txt"]
    assert (project / "box.txt").read_text() == "mine\n"
    assert template_update.abort_update().what == "removing box of demo"
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: template_update.add_feature("boxx"), "has no feature 'boxx', did you mean 'box'"),
        (lambda: template_update.add_feature("lid"), "'lid' requires 'box'"),
        (lambda: template_update.remove_feature("box"), "does not have the feature 'box'; it has: none"),
        (template_update.abort_update, "no update is under way"),
        (lambda: template_update.update_project(to="9.9.9"), "there is no version 9.9.9 of 'demo' here, only 1.2.3"),
        (lambda: template_update.update_project(assignments=["nam=x"]), "no such question, did you mean 'name'"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_touched(project, act, message):
    with pytest.raises(MlgitError, match=message):
        act()
    assert git(project, "status", "--porcelain") == ""


def test_update_wants_a_clean_tree_and_no_file_in_the_way(project):
    rewrite(project, files={**FILES, "new.txt": "new\n"})
    (project / "a.txt").write_text("changed\n")
    with pytest.raises(MlgitError, match=r"not clean: a\.txt"):
        template_update.update_project()
    git(project, "checkout", "--quiet", "a.txt")
    (project / "new.txt").write_text("mine, not in Git\n")
    with pytest.raises(MlgitError, match=r"new\.txt: in the way"):
        template_update.update_project()
    assert (project / "new.txt").read_text() == "mine, not in Git\n"


def test_dry_run_tells_the_same_and_touches_nothing(project):
    rewrite(project, files={**FILES, "new.txt": "new\n"})
    planned = template_update.update_project(dry_run=True, with_diff=True)
    assert git(project, "status", "--porcelain") == ""
    assert "+new" in planned.diff
    assert template_update.update_project().changes == planned.changes


def test_older_version_is_taken_only_if_asked_for(project):
    rewrite(project, version="1.0.0", files={**FILES, "old.txt": "old\n"})
    with pytest.raises(MlgitError, match=r"made from version 1\.2\.3 of 'demo', and there is only 1\.0\.0"):
        template_update.update_project()
    assert template_update.update_project(to="1.0.0").after.version == "1.0.0"


def test_answers_are_carried_over_and_new_ones_asked(project):
    questions = {**FEATURES["questions"], "extra": question(default="[[ name ]]!")}
    rewrite(project, files={**FILES, "extra.txt.jinja": "[[ extra ]]\n"}, questions=questions)
    asked = []
    template_update.update_project(ask=lambda each, presumed: asked.append(each.name) or presumed)
    assert (asked, (project / "extra.txt").read_text()) == (["extra"], "p!\n")
    commit(project, "Update")
    done = template_update.update_project(assignments=["extra=more"])
    assert (done.after.answers["extra"], (project / "extra.txt").read_text()) == ("more", "more\n")


def test_answer_that_the_template_takes_no_more_is_given_anew_and_what_belonged_to_it_goes(project):
    template_update.add_feature("box")
    commit(project, "Add box")
    fewer = {**FEATURES["questions"], "features": question("multichoice", choices={"lid": "a lid"}, default=[])}
    rewrite(project, questions=fewer, files={"a.txt.jinja": "[[ name ]]\n", "lid.txt": "lid\n"})
    manifest = project.parent / "template/template.yaml"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "files": {"lid.txt": {"when": "lid"}}}))
    with pytest.raises(MlgitError, match=r"'box' is not one of lid") as caught:
        template_update.update_project()
    assert caught.value.hint == "answer anew: `--set features=...`"
    template_update.update_project(assignments=["features="])
    assert not (project / "box.txt").exists()


def test_status_tells_versions_behind_and_the_files_that_differ(project):
    assert template_status.status().exit_code == 0
    (project / "a.txt").write_text("p\none\nTWO\nthree\n")
    rewrite(project, files={**FILES, "new.txt": "new\n"}, changes={"1.3.0": "new.txt", "1.2.9": "nothing", "1.0.0": "all"})
    found = template_status.status()
    assert (found.newest, found.behind, found.exit_code) == ("1.3.0", 2, 1)
    assert [version for version, _ in found.changes] == ["1.3.0", "1.2.9"]
    assert [(each.path, each.state, each.added, each.removed) for each in found.files] == [("a.txt", "changed", 1, 1)]
    assert "-two\n+TWO" in template_status.changes(["a.txt"])
    with pytest.raises(MlgitError, match="the template gave no file there"):
        template_status.changes([".mlgit-template.yaml"])


def test_status_says_where_the_source_cannot_be_asked(project):
    (project.parent / "template").rename(project.parent / "moved")
    found = template_status.status()
    assert (found.newest, found.exit_code) == ("", 2)
    assert "no template there" in found.problem
    assert template_status.status().files == ()


def test_template_tells_what_it_asks_and_writes(project):
    found = template_library.describe(str(project.parent / "template"))
    assert (found.files, found.by_feature) == (("a.txt",), {"box": ("box.txt",), "lid": ("box.txt", "lid.txt")})
    assert found.manifest.features == {"box": "a box", "lid": "a lid"}
    assert [each["name"] for each in found.document()["questions"]] == ["name", "features"]
