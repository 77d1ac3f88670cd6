"""An update that is under way, or not any more: committed elsewhere, stashed, thrown away; and what only Git knows of."""

import json
import shutil
import subprocess
import sys

import pytest

from mlgit.commands import template_status, template_update
from mlgit.commands.new import new
from mlgit.errors import MlgitError
from mlgit.scaffold import adopt
from tests.kit import commit, git
from tests.kit.once import copied, once
from tests.scaffold.kit import HEAD, write_template

pytestmark = pytest.mark.slow  # real `dvc init`

REF = "refs/mlgit/template"


def lines(name, **changed):
    return "".join(f"{changed.get(f'line_{i}', f'{name} {i}')}\n" for i in range(12))


@pytest.fixture
def project(tmp_path, shared, monkeypatch):
    """A project, the current folder, whose template has a newer version: a.txt and src/b.txt changed, new.txt added."""

    def make(folder):
        write_template(folder / "template", {"a.txt": lines("a"), "src/b.txt": lines("b")})
        monkeypatch.chdir(folder)
        new(folder / "p", template="./template")
        newer = {"a.txt": lines("a", line_2="theirs"), "src/b.txt": lines("b", line_2="theirs"), "new.txt": "new\n"}
        for path, text in newer.items():
            (folder / "template/files" / path).write_text(text)
        (folder / "template/template.yaml").write_text(json.dumps({**HEAD, "version": "1.3.0"}))

    monkeypatch.chdir(copied(once(shared, "template-abort", make), tmp_path / "all") / "p")
    return tmp_path / "all/p"


def work(project, path, text):
    (project / path).write_text(text)
    commit(project, "Work")


@pytest.mark.parametrize(
    "leave",
    [
        [("checkout", "-q", "-b", "update"), ("commit", "-qm", "Update"), ("checkout", "-q", "main")],
        [("reset", "-q", "--hard")],
        [("stash", "-q")],
    ],
    ids=["committed on another branch", "reset", "stashed"],
)
def test_update_that_is_here_no_more_is_not_under_way_and_later_work_is_safe(project, leave):
    template_update.update_project()
    for args in leave:
        git(project, *args)
    assert template_status.status().notes == ()
    (project / "a.txt").write_text("later work\n")
    with pytest.raises(MlgitError, match="no update is under way"):
        template_update.abort_update()
    assert (project / "a.txt").read_text() == "later work\n"
    git(project, "checkout", "a.txt")
    assert len(template_update.update_project().changes) == 3


def test_update_that_came_back_from_the_stash_is_under_way_again(project):
    template_update.update_project()
    git(project, "stash", "-q")
    git(project, "stash", "pop", "-q")
    assert template_update.abort_update().what == "the update of demo to 1.3.0"
    assert git(project, "status", "--porcelain") == ""


def test_abort_leaves_a_render_that_another_working_tree_has_kept_since(project):
    git(project, "worktree", "add", "-q", "-b", "other", "../other")
    template_update.update_project()
    later = git(project, "commit-tree", "-p", REF, "-m", "later", f"{REF}^{{tree}}").strip()
    git(project, "update-ref", REF, later)
    template_update.abort_update()
    assert git(project, "rev-parse", REF).strip() == later


@pytest.mark.parametrize("document", ["[1]", "1", '{"format": 1}', "{", '{"format": 1, "touched": 3}'])
def test_journal_that_says_nothing_is_none(project, document):
    template_update.update_project()
    (project / ".git/mlgit/template-update/journal.json").write_text(document)
    with pytest.raises(MlgitError, match="no update is under way"):
        template_update.abort_update()


@pytest.mark.parametrize("option", ["--assume-unchanged", "--skip-worktree"])
def test_file_whose_changes_git_overlooks_is_not_written_over(project, option):
    git(project, "update-index", option, "a.txt")
    (project / "a.txt").write_text("mine, and only here\n")
    with pytest.raises(MlgitError, match=r"a\.txt: Git is told to overlook"):
        template_update.update_project()
    assert (project / "a.txt").read_text() == "mine, and only here\n"
    assert git(project, "status", "--porcelain") == ""


def test_update_in_a_sparse_checkout_writes_what_is_in_conflict_and_nothing_else(project):
    work(project, "src/b.txt", lines("b", line_2="mine"))
    git(project, "sparse-checkout", "set", "elsewhere")
    assert not (project / "src").exists()
    assert [each.path for each in template_update.update_project().conflicts] == ["src/b.txt"]
    assert "<<<<<<< yours\nmine\n" in (project / "src/b.txt").read_text()
    template_update.abort_update()
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("revision", ["HEAD^{tree}", "HEAD", "tagged"])
def test_recorded_tree_that_is_no_render_is_none(project, revision):
    git(project, "tag", "-a", "tagged", "-m", "tagged")
    work(project, "own.txt", "mine\n")
    oid = git(project, "rev-parse", revision).strip()
    recorded = (project / ".mlgit-template.yaml").read_text()
    before = recorded.split("tree: ")[1].split("\n")[0]
    work(project, ".mlgit-template.yaml", recorded.replace(before, f"'{oid}'"))
    done = template_update.update_project()
    assert {each.path: each.outcome for each in done.changes} == {
        "a.txt": "conflict",
        "new.txt": "added",
        "src/b.txt": "conflict",
    }
    assert "in no clone" in done.notes[0]


def test_what_people_have_set_for_themselves_hides_no_render_in_the_history(project, monkeypatch):
    work(project, "a.txt", lines("a", line_9="mine"))
    template = project.parent / "template"
    git(project, "update-ref", "-d", REF)
    git(project, "clone", "-q", "--no-local", ".", "../clone")
    clone = project.parent / "clone"
    git(clone, "remote", "remove", "origin")
    for key, value in {"grep.patternType": "fixed", "log.showSignature": "true", "log.date": "relative"}.items():
        git(clone, "config", key, value)
    monkeypatch.chdir(clone)
    assert template_update.update_project(source=str(template)).notes == ()


def test_project_without_a_commit_is_held_against_its_template(project):
    git(project, "checkout", "-q", "--orphan", "fresh")
    assert template_status.status().files == ()
    with pytest.raises(MlgitError, match="no commit yet"):
        template_update.update_project()


def test_differences_are_named_by_either_path_and_a_path_of_no_file_is_told(project):
    (project / "src").rename(project / "lib")
    (project / "lib/b.txt").write_text(lines("b", line_9="mine\x0c\u2028and\r"))
    git(project, "add", "--all")
    git(project, "config", "diff.noprefix", "true")
    texts = [template_status.changes([path]) for path in ("src/b.txt", "lib", "src")]
    assert len(set(texts)) == 1
    assert "--- a/src/b.txt\n+++ b/lib/b.txt\n" in texts[0]
    assert template_status.changes(["a.txt"]) == ""
    with pytest.raises(MlgitError, match=r"nothing\.txt: the template gave no file there"):
        template_status.changes(["nothing.txt"])


@pytest.mark.parametrize("path", ["a.txt", "lib"])
def test_submodule_in_the_way_of_the_template_stays(project, path):
    (project.parent / "template/files/lib").mkdir()
    (project.parent / "template/files/lib/c.txt").write_text("c\n")
    for args in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "Begin")):
        git(project.parent / "template", *args)
    if path == "a.txt":
        git(project, "rm", "-q", path)
    git(project, "-c", "protocol.file.allow=always", "submodule", "add", "-q", "../template", path)
    commit(project, "Add a submodule")
    (project / path / "more.txt").write_text("a submodule's own state is none of ours\n")
    pinned = git(project, "rev-parse", f"HEAD:{path}").strip()
    assert path in [each.path for each in template_update.update_project().conflicts]
    assert f"160000 {pinned} 2\t{path}" in git(project, "ls-files", "--stage")
    template_update.abort_update()
    assert git(project, "status", "--porcelain", "--ignore-submodules=dirty") == ""


def test_state_file_that_is_a_link_is_not_followed(project, tmp_path):
    state = project / ".mlgit-template.yaml"
    state.rename(tmp_path / "state")
    state.symlink_to(tmp_path / "state")
    with pytest.raises(MlgitError, match="a link"):
        template_status.status()


def test_patch_is_printed_byte_by_byte_unless_on_a_terminal(project):
    changed = lines("a", line_3="form\x0cfeed \u2028 \x1b[31m and return\r").encode() + b"\xff\n"
    (project / "a.txt").write_bytes(changed)
    with (project / "my.patch").open("wb") as output:
        subprocess.run([sys.executable, "-m", "mlgit", "template", "diff"], stdout=output, check=False)
    git(project, "checkout", "-q", "a.txt")
    git(project, "apply", "my.patch")
    assert (project / "a.txt").read_bytes() == changed


def reshape(project, path, *, to_folder):
    """Have a folder with a file where a file was, or the other way around; in a template's files or in a project."""
    if to_folder:
        (project / path).unlink()
        (project / path).mkdir()
        (project / path / "inner.txt").write_text("inner\n")
    else:
        shutil.rmtree(project / path)
        (project / path).write_text("now a file\n")


@pytest.mark.parametrize(("path", "to_folder"), [("a.txt", True), ("src", False)])
def test_file_becomes_a_folder_or_a_folder_a_file(project, path, to_folder):
    reshape(project.parent / "template/files", path, to_folder=to_folder)
    assert template_update.update_project().conflicts == ()
    assert (project / path).is_dir() == to_folder
    template_update.abort_update()
    assert git(project, "status", "--porcelain") == ""
    (project / "src/mine.txt").write_text("not in Git\n")
    if not to_folder:
        with pytest.raises(MlgitError, match=r"src/mine\.txt: in the way"):
            template_update.update_project()
        assert (project / "src/mine.txt").exists()


@pytest.mark.parametrize(("path", "to_folder"), [("a.txt", True), ("src", False)])
def test_what_the_user_has_made_of_a_file_or_folder_stays(project, path, to_folder):
    reshape(project, path, to_folder=to_folder)
    commit(project, "Reshape")
    (project.parent / "template/files/src/c.txt").write_text("c\n")
    assert path in [each.path for each in template_update.update_project().conflicts]
    assert (project / path).is_dir() == to_folder
    template_update.abort_update()
    assert git(project, "status", "--porcelain") == ""


def test_file_that_both_renamed_to_the_same_name_is_merged_there(project):
    files = project.parent / "template/files"
    (files / "a.txt").rename(files / "renamed.txt")
    git(project, "mv", "a.txt", "renamed.txt")
    work(project, "renamed.txt", lines("a", line_9="mine"))
    told = {each.path: (each.outcome, each.renamed_to) for each in template_update.update_project().changes}
    assert told["a.txt"] == ("renamed", "renamed.txt")
    assert (project / "renamed.txt").read_text() == lines("a", line_2="theirs", line_9="mine")


def test_ref_that_a_remote_has_for_no_commit_does_not_end_up_in_the_history_of_renders(project):
    git(project, "update-ref", REF, git(project, "rev-parse", "HEAD:a.txt").strip())
    template_update.update_project()
    assert len(git(project, "rev-list", REF).split()) == 1
    assert git(project, "fsck", "--no-dangling") == ""


def test_repository_with_other_object_ids_is_left_as_it_is(project, tmp_path, monkeypatch):
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", "--object-format=sha256", str(other))
    shutil.copy(project / ".mlgit-template.yaml", other)
    monkeypatch.chdir(other)
    for ask in (template_status.status, lambda: adopt.find(other)):
        with pytest.raises(MlgitError, match="SHA-256"):
            ask()
    assert git(other, "fsck", "--no-dangling") == ""


def test_file_whose_line_ends_the_user_turned_is_merged_with_these(project):
    text = lines("a", line_9="mine")
    (project / "a.txt").write_bytes(text.replace("\n", "\r\n").encode())
    commit(project, "Turn the line ends")
    assert template_update.update_project().conflicts == ()
    assert (project / "a.txt").read_bytes() == lines("a", line_2="theirs", line_9="mine").replace("\n", "\r\n").encode()


def test_what_a_filter_of_git_stands_before_is_merged_as_git_stores_it(project):
    git(project, "config", "filter.upper.clean", "tr a-z A-Z")
    git(project, "config", "filter.upper.smudge", "tr A-Z a-z")
    (project / ".gitattributes").write_text("*.txt filter=upper\n")
    git(project, "add", "--renormalize", ".")
    commit(project, "Filter")
    assert template_status.status().files == ()
    done = template_update.update_project()
    assert [each.outcome for each in done.changes] == ["changed", "added", "changed"]
    assert git(project, "show", ":new.txt") == "NEW"
    assert (project / "new.txt").read_text() == "new\n"
    commit(project, "Update")
    assert git(project, "status", "--porcelain") == ""
    assert template_status.status().files == ()


def test_folder_that_the_user_is_in_stays_where_the_template_takes_its_files_away(project, monkeypatch):
    shutil.rmtree(project.parent / "template/files/src")
    monkeypatch.chdir(project / "src")
    assert "src/b.txt" in [each.path for each in template_update.update_project().changes]
    assert list((project / "src").iterdir()) == []
    assert template_status.status().files == ()
    template_update.abort_update()
    assert (project / "src/b.txt").exists()
