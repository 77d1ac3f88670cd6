"""A trial put into the working tree."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from mlgit.commands.exp_apply import apply_trial
from mlgit.errors import MlgitError
from tests.kit import FULL, commit, dvc, git, trials, write_tree
from tests.kit.forked import mlgit

MADE = ("metrics.json", "model.json", "predictions.csv")


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = trials.project(tmp_path / "project")
    monkeypatch.chdir(found)
    return found


def add(root, *changes, **options):
    return trials.add(root, [dict(each) for each in changes], **options)


LOW, HIGH = {"train.lr": 0.1}, {"train.lr": 0.9, "train.depth": 5}


def state(root):
    """All that a user has, but for what mlgit and DVC keep for themselves."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.parts and ".dvc" not in path.parts
    }


def test_files_and_outputs_are_as_the_trial_left_them(root):
    [one, _] = add(root, LOW, HIGH)
    index = (root / ".git" / "index").read_bytes()
    done = apply_trial(one.name)
    assert set(done.files) == {"dvc.lock", "metrics.json", "params.yaml"}
    assert done.outputs == ("model.json", "predictions.csv")
    for path, text in one.files.items():
        assert (root / path).read_text() == text
    assert mlgit(root, "status").code == 0
    assert git(root, "rev-parse", "HEAD") == git(root, "rev-parse", f"{one.commit}^")
    assert index == (root / ".git" / "index").read_bytes()


def test_applied_again_nothing_is_written(root):
    [one] = add(root, LOW)
    apply_trial(one.name)
    before = state(root)
    done = apply_trial(one.ref)
    assert (done.files, done.outputs) == ((), ())
    assert state(root) == before


def test_dry_run_writes_nothing_and_names_the_same(root):
    [one] = add(root, LOW)
    before = state(root)
    planned = apply_trial(one.name, dry_run=True)
    assert state(root) == before
    done = apply_trial(one.name)
    assert (planned.files, planned.outputs) == (done.files, done.outputs)


def test_one_trial_after_the_other_leaves_only_the_last(root):
    one, other = add(root, LOW, HIGH, files={"notes.txt": "tried\n"})
    apply_trial(one.name)
    apply_trial(other.name)
    for path, text in other.files.items():
        assert (root / path).read_text() == text
    assert mlgit(root, "status").code == 0


def test_what_only_the_trial_before_changed_is_put_back(root):
    before = (root / "rows.csv").read_text()
    [one] = add(root, LOW, files={"rows.csv": "id\n2\n"})
    [other] = add(root, HIGH)
    apply_trial(one.name)
    assert (root / "rows.csv").read_text() == "id\n2\n"
    apply_trial(other.name)
    assert (root / "rows.csv").read_text() == before


def test_change_of_the_user_is_not_replaced(root):
    [one] = add(root, LOW)
    (root / "params.yaml").write_text("train: {lr: 7, depth: 7}\n")
    before = state(root)
    with pytest.raises(MlgitError, match=r"changed here and not committed: params\.yaml; nothing was replaced") as refused:
        apply_trial(one.name)
    assert "--force" in refused.value.hint
    assert state(root) == before
    apply_trial(one.name, force=True)
    assert (root / "params.yaml").read_text() == one.files["params.yaml"]


def test_untracked_file_in_the_way_is_not_replaced(root):
    [one] = add(root, LOW, files={"made/new.txt": "of the trial\n"})
    write_tree(root, {"made/new.txt": "mine\n"})
    with pytest.raises(MlgitError, match=r"changed here and not committed: made/new\.txt"):
        apply_trial(one.name)
    (root / "made/new.txt").unlink()
    apply_trial(one.name)
    assert (root / "made/new.txt").read_text() == "of the trial\n"


def test_other_changes_of_the_user_stay_and_are_named(root):
    [one] = add(root, LOW)
    (root / "mlgit.yaml").write_text("mlgit: 1\n")
    done = apply_trial(one.name)
    assert done.notes == ("changed here, and left as it is: mlgit.yaml",)
    assert (root / "mlgit.yaml").read_text() == "mlgit: 1\n"


def test_output_that_is_in_no_cache_is_not_replaced(root):
    [one] = add(root, LOW)
    (root / "model.json").unlink()
    (root / "model.json").write_text("made by hand\n")
    before = state(root)
    with pytest.raises(MlgitError, match=r"changed here, and in no cache: model\.json; nothing was replaced"):
        apply_trial(one.name)
    assert state(root) == before
    apply_trial(one.name, force=True)
    assert "0.1" in (root / "model.json").read_text()


def test_output_that_nobody_has_here_is_told(root):
    [one] = add(root, LOW, with_data=False)
    before = state(root)
    with pytest.raises(MlgitError, match=r"what .* made is not here: model\.json, predictions\.csv") as refused:
        apply_trial(one.name)
    assert f"mlgit exp pull {one.name}" in refused.value.hint
    assert state(root) == before
    done = apply_trial(one.name, files_only=True)
    assert (len(done.files), done.outputs) == (3, ())


def test_output_that_was_never_pulled_and_is_the_same_stays_away(root):
    [one] = add(root, LOW, files={"note.txt": "x\n"})
    (root / "model.json").unlink()
    same = trials.add(root, [trials.BASELINE], files={"note.txt": "y\n"})
    apply_trial(same[0].name)
    assert not (root / "model.json").exists()
    apply_trial(one.name)
    assert (root / "model.json").exists()


def test_trial_of_an_older_commit_is_merged_into_what_came_since(root):
    [one] = add(root, LOW)
    write_tree(root, {"README.md": "words\n"})
    commit(root, "Say what this is")
    done = apply_trial(one.name)
    assert set(done.files) == {"dvc.lock", "metrics.json", "params.yaml"}
    assert (root / "README.md").read_text() == "words\n"
    assert mlgit(root, "status").code == 0


def test_trial_that_changes_what_was_changed_since_is_refused_with_the_way_out(root):
    [one] = add(root, LOW)
    (root / "params.yaml").write_text("train:\n  lr: 3\n  depth: 9\n")
    commit(root, "Change the same")
    before = state(root)
    with pytest.raises(MlgitError, match=r"HEAD has changed the same since: params\.yaml") as refused:
        apply_trial(one.name)
    assert f"mlgit exp promote {one.name}" in refused.value.hint
    assert state(root) == before


def test_file_that_a_trial_removed_goes_with_its_folder(root):
    write_tree(root, {"old/only.txt": "x\n"})
    commit(root, "Add what will be removed")
    [one] = add(root, LOW)
    tree = root.parent / "beside"
    git(root, "worktree", "add", "--quiet", "--detach", str(tree), one.commit)
    git(tree, "rm", "--quiet", "old/only.txt")
    removed = commit(tree, "dvc: commit experiment x")
    git(root, "update-ref", one.ref, removed)
    apply_trial(one.name)
    assert not (root / "old").exists()


def test_links_and_programs_are_made_as_git_has_them(root):
    [one] = add(root, LOW)
    tree = root.parent / "beside"
    git(root, "worktree", "add", "--quiet", "--detach", str(tree), one.commit)
    (tree / "link").symlink_to("rows.csv")
    (tree / "tool.sh").write_text("#!/bin/sh\n")
    (tree / "tool.sh").chmod(0o755)
    git(root, "update-ref", one.ref, commit(tree, "dvc: commit experiment x"))
    apply_trial(one.name)
    assert (root / "link").readlink().name == "rows.csv"
    assert os.access(root / "tool.sh", os.X_OK)
    assert apply_trial(one.name).files == ()


def test_nothing_is_written_through_a_link_out_of_the_repository(root, tmp_path):
    [one] = add(root, LOW, files={"made/new.txt": "of the trial\n"})
    (tmp_path / "outside").mkdir()
    (root / "made").symlink_to(tmp_path / "outside")
    with pytest.raises(MlgitError, match=r"changed here and not committed: made/new\.txt"):
        apply_trial(one.name)
    assert list((tmp_path / "outside").iterdir()) == []


def test_what_dvc_keeps_for_itself_is_not_taken_out_of_a_commit(root):
    [one] = add(root, LOW, files={".dvc/tmp/repro.dat": "pickled"})
    done = apply_trial(one.name)
    assert ".dvc/tmp/repro.dat" not in done.files
    assert not (root / ".dvc/tmp/repro.dat").exists()


def test_project_in_a_folder_of_a_repository_is_its_own(tmp_path, monkeypatch):
    root = trials.project(tmp_path / "top", below="models/churn")
    monkeypatch.chdir(root)
    [one] = add(root, LOW)
    done = apply_trial(one.name)
    assert set(done.files) == {f"models/churn/{name}" for name in ("dvc.lock", "metrics.json", "params.yaml")}
    assert mlgit(root, "status").code == 0


def test_paths_with_any_letters_are_written(root):
    names = ['with "quotes" and\nline.txt', "ünï.txt", '"begins', "-dash"]
    [one] = add(root, LOW)
    tree = root.parent / "beside"
    git(root, "worktree", "add", "--quiet", "--detach", str(tree), one.commit)
    write_tree(tree, {f"odd/{name}": name for name in names})
    git(root, "update-ref", one.ref, commit(tree, "dvc: commit experiment x"))
    apply_trial(one.name)
    assert {path.name: path.read_text() for path in (root / "odd").iterdir()} == {name: name for name in names}
    assert apply_trial(one.name).files == ()


@pytest.mark.slow  # DVC is asked
def test_dvc_finds_nothing_to_do_after_it(root):
    [one] = add(root, LOW, by_dvc=True)
    apply_trial(one.name)
    assert "up to date" in dvc(root, "status").out
    git(root, "config", "user.name", "Ada")  # DVC does not look where Git is told to
    git(root, "config", "user.email", "ada@example.com")
    assert dvc(root, "exp", "apply", one.name).code == 0
    assert {path: (root / path).read_text() for path in one.files} == one.files


@pytest.mark.slow  # DVC runs the pipeline
def test_trials_of_the_kit_are_what_the_pipeline_makes(root):
    [one] = add(root, HIGH)
    apply_trial(one.name)
    before = state(root)
    assert mlgit(root, "run", "--force").code == 0
    assert state(root) == before
    assert "didn't change" in dvc(root, "repro").said


@pytest.mark.slow  # DVC makes the trial
def test_trial_that_dvc_made_is_applied(root):
    assert dvc(root, "exp", "run", "--temp", "--name", "by-dvc", "-S", "train.lr=0.3").code == 0
    done = apply_trial("by-dvc")
    assert set(done.files) == {"dvc.lock", "metrics.json", "params.yaml"}
    assert mlgit(root, "status").code == 0
    assert "up to date" in dvc(root, "status").out


@pytest.mark.slow  # real kills
def test_killed_at_any_moment_the_same_command_goes_on(root):
    one, other = add(root, LOW, HIGH, files={f"more/{number}.txt": f"{number}\n" for number in range(40)})
    write_tree(root, {"mine.txt": "mine\n"})
    chance = random.Random(5)
    for turn in range(30 if FULL else 8):
        chosen = (one, other)[turn % 2]
        child = subprocess.Popen(
            [sys.executable, "-m", "mlgit", "exp", "apply", chosen.name],
            cwd=root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            child.wait(timeout=0.25 + chance.random() * 0.75)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    apply_trial(one.name)
    for path, text in one.files.items():
        assert (root / path).read_text() == text
    assert mlgit(root, "status").code == 0
    assert (root / "mine.txt").read_text() == "mine\n"
    assert git(root, "status", "--porcelain", "mine.txt") == "?? mine.txt"


@pytest.mark.parametrize("folder", [".git", "..", ".GIT"])
def test_tree_that_leads_out_or_into_git_is_refused(root, folder):
    [one] = add(root, LOW)
    blob = git(root, "hash-object", "-w", "--stdin", stdin="evil\n")
    inner = git(root, "mktree", stdin=f"100644 blob {blob}\tevil\n")
    listed = subprocess.run(["git", "cat-file", "tree", f"{one.commit}^{{tree}}"], cwd=root, capture_output=True, check=True)
    content = b"40000 %s\0%s" % (folder.encode(), bytes.fromhex(inner)) + listed.stdout
    command = ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    tree = subprocess.run(command, cwd=root, input=content, capture_output=True, check=True).stdout.decode().strip()
    git(root, "update-ref", one.ref, git(root, "commit-tree", tree, "-p", "HEAD", "-m", "dvc: commit experiment x"))
    before = state(root)
    with pytest.raises(MlgitError):
        apply_trial(one.name)
    assert state(root) == before
    assert not (root / folder / "evil").exists()
