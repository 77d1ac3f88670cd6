"""Git's verbs on real repositories: odd file names, hooks, and histories that are not a line."""

from __future__ import annotations

import os
import shutil

import pytest

from mlgit.adapters.git import git, refs
from mlgit.adapters.system.process import ProcessError
from mlgit.errors import MlgitError
from tests import kit

ODD = {
    "with space": b"1",
    "tab\there": b"2",
    "new\nline": b"3\n\n",
    'quo"te': b"",
    "é/日本": b"\x00\xff\n",
    os.fsdecode(b"latin-\xe9"): b"6",
    "-dash": b"7",
    "star*": b"8",
    ":(top)x": b"9",
    "dir/[x]": b"10",
    " lead": b"11",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository with oddly named files and a side branch; copied for tests that change it."""
    root = tmp_path_factory.mktemp("made") / "repository"
    root.mkdir()
    kit.git(root, "init", "--quiet")
    kit.write_tree(root, ODD)
    kit.commit(root, "Odd names")
    kit.git(root, "tag", "v1")
    kit.git(root, "switch", "--quiet", "--create", "side")
    kit.write_tree(root, {"side": "s"})
    kit.commit(root, "On the side")
    kit.git(root, "switch", "--quiet", "main")
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "repository")


@pytest.fixture
def inside_a_hook(root, tmp_path, monkeypatch):
    """The variables a hook of another repository leaves behind."""
    other = tmp_path / "other"
    other.mkdir()
    kit.git(other, "init", "--quiet")
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": other / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": other / ".git" / "objects",
        "GIT_PREFIX": "sub/",
        "GIT_NAMESPACE": "elsewhere",
        "GIT_LITERAL_PATHSPECS": "1",
    }.items():
        monkeypatch.setenv(name, str(value))
    return other


def test_list_tree_has_every_file_by_its_exact_name(made):
    listed = git.list_tree(made, "HEAD")
    assert {path: size for path, (_, _, size) in listed.items()} == {path: len(content) for path, content in ODD.items()}


def test_list_tree_can_look_below_one_folder(made):
    assert sorted(git.list_tree(made, "HEAD", under="é/")) == ["é/日本"]


def test_list_tree_takes_the_folders_name_as_it_is(root):
    kit.write_tree(root, {"st*/file": "1", "star/file": "2"})
    kit.commit(root)
    assert sorted(git.list_tree(root, "HEAD", under="st*/")) == ["st*/file"]


def test_list_tree_counts_paths_from_the_top_wherever_it_is_asked(made):
    assert "with space" in git.list_tree(made / "dir", "HEAD")


def test_list_tree_tells_modes_and_leaves_submodules_out(root):
    kit.write_tree(root, {"run.sh": "#!/bin/sh\n"}).joinpath("run.sh").chmod(0o755)
    (root / "link").symlink_to("run.sh")
    kit.git(root, "update-index", "--add", "--cacheinfo", f"160000,{kit.git(root, 'rev-parse', 'HEAD')},module")
    kit.git(root, "add", "run.sh", "link")
    kit.git(root, "commit", "--quiet", "--message", "Modes")
    listed = git.list_tree(root, "HEAD")
    assert (listed["run.sh"][0], listed["link"][0], "module" in listed) == ("100755", "120000", False)


def test_list_tree_gives_no_size_to_what_this_clone_lacks(root):
    blob = git.list_tree(root, "HEAD")["-dash"][1]
    (root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert git.list_tree(root, "HEAD")["-dash"] == ("100644", blob, -1)


def test_read_objects_gives_the_kind_and_bytes_of_each(made):
    listed = git.list_tree(made, "HEAD")
    contents = git.read_objects(made, [blob for _, blob, _ in listed.values()])
    assert {kind for kind, _ in contents.values()} == {"blob"}
    assert {path: contents[blob][1] for path, (_, blob, _) in listed.items()} == ODD


def test_read_objects_leaves_out_what_is_missing(made):
    blob = git.list_tree(made, "HEAD")["-dash"][1]
    assert git.read_objects(made, ["0" * 40, blob, blob]) == {blob: ("blob", b"7")}


def test_read_objects_of_nothing_starts_no_process(tmp_path):
    assert git.read_objects(tmp_path / "no such folder", []) == {}


def test_resolve_gives_the_commit_of_a_branch_and_of_a_tag(made):
    assert git.resolve(made, "main") == git.resolve(made, "v1") == kit.git(made, "rev-parse", "HEAD")


@pytest.mark.parametrize("revision", ["nowhere", "", "-h", "--all", "HEAD:with space", "main..side", "a b"])
def test_resolve_refuses_what_is_no_commit(made, revision):
    with pytest.raises(MlgitError) as caught:
        git.resolve(made, revision)
    assert caught.value.message == f"unknown revision '{revision}'"


def test_merge_base_is_the_commit_both_came_from(made):
    assert git.merge_base(made, "main", "side") == git.resolve(made, "v1")


def test_merge_base_of_unrelated_histories_is_none(root):
    kit.git(root, "switch", "--quiet", "--orphan", "alone")
    kit.commit(root, "Alone")
    assert git.merge_base(root, "main", "alone") is None


def test_merge_base_with_an_unknown_commit_is_an_error(made):
    with pytest.raises(ProcessError, match="merge-base main nowhere"):
        git.merge_base(made, "main", "nowhere")


def test_default_branch_is_what_the_remote_says(made, tmp_path):
    kit.git(tmp_path, "clone", "--quiet", "--branch", "side", str(made), "clone")
    assert refs.default_branch(tmp_path / "clone") == "origin/main"


def test_default_branch_without_a_remote_is_main(made):
    assert refs.default_branch(made) == "main"


def test_default_branch_in_a_checkout_of_one_commit_is_found_at_the_remote(made, tmp_path):
    kit.git(tmp_path, "clone", "--quiet", str(made), "clone")
    clone = tmp_path / "clone"
    kit.git(clone, "remote", "set-head", "origin", "--delete")
    kit.git(clone, "switch", "--quiet", "--detach")
    kit.git(clone, "branch", "--quiet", "--delete", "--force", "main")
    assert refs.default_branch(clone) == "origin/main"


def test_default_branch_may_have_a_name_of_its_own(root):
    kit.git(root, "branch", "--move", "main", "trunk")
    assert refs.default_branch(root) is None
    kit.git(root, "config", "init.defaultBranch", "trunk")
    assert refs.default_branch(root) == "trunk"


def test_current_branch_is_none_for_a_detached_head(root):
    assert git.current_branch(root) == "main"
    kit.git(root, "switch", "--quiet", "--detach")
    assert git.current_branch(root) is None


def test_toplevel_is_found_from_below(made, tmp_path):
    assert git.toplevel(made / "dir") == made.resolve()
    assert git.toplevel(tmp_path) is None


def test_new_repository_has_no_commits(tmp_path):
    git.init(tmp_path)
    assert git.head(tmp_path) == ""
    kit.commit(tmp_path)
    assert git.head(tmp_path) == kit.git(tmp_path, "rev-parse", "HEAD")


def test_init_makes_a_repository_dvc_can_read_whatever_is_configured(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    git.init(tmp_path, branch="trunk")
    assert kit.git(tmp_path, "rev-parse", "--show-object-format") == "sha1"
    assert kit.git(tmp_path, "symbolic-ref", "--short", "HEAD") == "trunk"


def test_ignored_tells_odd_names_apart(root):
    kit.write_tree(root, {".gitignore": "*.tmp\n/out/\n"})
    paths = ["a.tmp", "new\nline.tmp", os.fsdecode(b"\xff.tmp"), "out/x", "a.txt", "with space"]
    assert git.ignored(root, paths) == set(paths[:4])


def test_ignored_of_nothing_is_nothing(tmp_path):
    assert git.ignored(tmp_path / "no such folder", []) == set()


def test_ignored_outside_a_repository_is_an_error(tmp_path):
    with pytest.raises(ProcessError, match="not a git repository"):
        git.ignored(tmp_path, ["a"])


def test_ignore_query_answers_as_a_walk_goes_on(root):
    kit.write_tree(root, {".gitignore": "*.log\n!keep.log\nbuild/\n"})
    with git.IgnoreQuery(root) as query:
        assert query.rules(["a.log", "keep.log", "build/", "-dash"]) == {
            "a.log": ("*.log", ".gitignore"),
            "keep.log": ("!keep.log", ".gitignore"),
            "build/": ("build/", ".gitignore"),
            "-dash": ("", ""),
        }
        assert query.rules(["new\nline.log"]) == {"new\nline.log": ("*.log", ".gitignore")}
        assert query.rules([]) == {}


def test_ignore_query_takes_more_paths_than_pipes_hold(root):
    kit.write_tree(root, {".gitignore": "*7\n"})
    paths = [f"{'folder' * 20}/é{number}" for number in range(5000)]
    with git.IgnoreQuery(root) as query:
        rules = query.rules(paths)
    assert list(rules) == paths
    assert [path for path in paths if rules[path][1]] == [path for path in paths if path.endswith("7")]


def test_ignore_query_outside_a_repository_is_an_error(tmp_path):
    with pytest.raises((MlgitError, BrokenPipeError)), git.IgnoreQuery(tmp_path) as query:
        query.rules(["a"])


def test_stage_takes_exact_names_and_ignored_files(root):
    kit.write_tree(root, {".gitignore": "*.tmp\n", "a.tmp": "1", "star*": "changed", "starry": "2"})
    git.stage(root, ["a.tmp", "star*"])
    assert kit.git(root, "diff", "--cached", "--name-only").split("\n") == ["a.tmp", "star*"]


def test_commit_all_leaves_ignored_files_alone(root):
    kit.write_tree(root, {".gitignore": "*.tmp\n", "a.tmp": "1", "b": "2"})
    commit = git.commit_all(root, "Everything\n\nelse")
    assert commit == kit.git(root, "rev-parse", "HEAD")
    assert kit.git(root, "show", "--name-only", "--format=%B", commit).split() == ["Everything", "else", ".gitignore", "b"]


def test_identity_that_was_told_is_enough(made):
    git.require_identity(made)


def test_identity_is_not_guessed_from_the_host(root, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("EMAIL", "")
    with pytest.raises(MlgitError, match="Git does not know who commits") as caught:
        git.require_identity(root)
    assert "git config --global user.email" in caught.value.hint


SIGNATURE = "Ada Example <ada@example.com> 1700000000 +0000"


def test_written_tree_is_the_tree_git_would_write(made):
    contents = {
        path: (mode, git.read_objects(made, [blob])[blob][1]) for path, (mode, blob, _) in git.list_tree(made, "HEAD").items()
    }
    assert git.write_tree(made, contents) == kit.git(made, "rev-parse", "HEAD^{tree}")


def test_written_tree_is_ordered_as_git_orders_folders(root):
    kit.write_tree(root, {"a/b": "1", "a.b": "2", "a-b": "3", "a0": "4", "a/c/d": "5"})
    kit.commit(root)
    listed = git.list_tree(root, "HEAD")
    contents = {path: (mode, git.read_objects(root, [blob])[blob][1]) for path, (mode, blob, _) in listed.items()}
    assert git.write_tree(root, contents) == kit.git(root, "rev-parse", "HEAD^{tree}")
    assert kit.git(root, "fsck", "--strict") == ""


def test_written_commit_says_what_it_was_told_whatever_is_configured(root):
    kit.git(root, "config", "commit.gpgSign", "true")
    kit.git(root, "config", "i18n.commitEncoding", "latin1")
    tree = git.write_tree(root, {"a": ("100644", b"1")})
    oid = git.write_commit(root, tree, message="Grüße\n", signature=SIGNATURE, parents=[git.resolve(root, "HEAD")])
    assert oid == git.write_commit(root, tree, message="Grüße", signature=SIGNATURE, parents=[git.resolve(root, "HEAD")])
    assert kit.git(root, "show", "--no-patch", "--format=%an %ct %P %B", "--encoding=UTF-8", oid) == (
        f"Ada Example 1700000000 {git.resolve(root, 'HEAD')} Grüße\n"
    )


def test_update_ref_points_a_ref_at_an_object(root):
    assert git.has_ref(root, "refs/mlgit/template") is False
    git.update_ref(root, "refs/mlgit/template", git.resolve(root, "side"), reason="test")
    assert git.has_ref(root, "refs/mlgit/template") is True
    assert kit.git(root, "rev-parse", "refs/mlgit/template") == git.resolve(root, "side")


def test_hook_of_another_repository_does_not_lead_reads_astray(inside_a_hook, made):
    assert git.toplevel(made) == made.resolve()
    assert len(git.list_tree(made, "HEAD")) == len(ODD)
    assert git.ignored(made, ["a"]) == set()


def test_hook_of_another_repository_does_not_lead_writes_astray(inside_a_hook, root, monkeypatch):
    tree = git.write_tree(root, {"a": ("100644", b"1")})
    commit = git.write_commit(root, tree, message="m", signature=SIGNATURE)
    git.update_ref(root, "refs/mlgit/x", commit, reason="test")
    kit.write_tree(root, {"b": "1"})
    git.commit_all(root, "From a hook")
    for name in git._SCRUBBED:
        monkeypatch.delenv(name, raising=False)
    assert kit.git(root, "rev-parse", "refs/mlgit/x") == commit
    assert kit.git(root, "log", "-1", "--format=%s") == "From a hook"
    assert not list((inside_a_hook / ".git" / "objects").glob("??/*"))


def test_settings_given_to_git_on_the_command_line_still_count(made, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Somebody Else")
    assert git.line(made, "config", "user.name") == "Somebody Else"


def test_failure_shows_command_code_and_what_git_said(made):
    with pytest.raises(ProcessError) as caught:
        git.run(made, "switch", "no such branch")
    assert caught.value.message.startswith("`git switch 'no such branch'` ended with code 128\nfatal: ")
