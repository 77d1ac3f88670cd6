"""Locks and .dvc files of DVC 2: after any change, `mlgit run` leaves what `dvc repro` leaves, and both see the same."""

from __future__ import annotations

import random
import re
import shutil

import pytest

from tests.conftest import FULL
from tests.kit import commit, repository, write_tree
from tests.pipeline.aging import age
from tests.pipeline.differential import compare, prepare, run_dvc, run_mlgit, steps

pytestmark = pytest.mark.slow  # real repositories, many times

# What one stage stores again of a lost cache may be what the next one lacks: side by side, more stages run than in DVC.
IN_ORDER = ("-j1",)
SEEDS = range(200) if FULL else [14]


def aged(folder, seed):
    """A generated project in two copies that DVC ran and then grew old in the same way."""
    made, ours, theirs = prepare(folder, seed)
    for root in (ours, theirs):
        rng = random.Random(seed)
        for path in made.inputs:
            if rng.random() < 0.4:
                (root / path).write_bytes(b"line\r\nends\r\n" * rng.randint(1, 2))
        made.files[made.inputs[0]] = (root / made.inputs[0]).read_bytes().decode()
        if run_dvc(root, "repro", "--all-pipelines", "--quiet").code != 0:
            return made, None, None
        age(root, rng)
    return made, ours, theirs


@pytest.mark.parametrize("seed", SEEDS)
def test_projects_with_locks_of_dvc_2_end_as_dvc_leaves_them(tmp_path, seed):
    made, ours, theirs = aged(tmp_path, seed)
    if ours is None:
        return
    always = "always_changed: true" in "".join(made.files.values())
    for name, change in steps(made, seed):
        change(ours)
        change(theirs)
        try:
            if not compare(ours, theirs, always=always, options=IN_ORDER):
                return
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step '{name}': {error}") from error


PIPELINE = """\
stages:
  s:
    cmd: mkdir -p d && cat in/a in.txt > d/x
    deps: [in, in.txt]
    params: [k]
    outs: [d, {m: {cache: false}}]
  other:
    cmd: 'true'
    deps: [in.txt]
"""


@pytest.fixture
def old(tmp_path):
    """A project whose lock DVC 2 wrote."""
    text = PIPELINE.replace("> d/x", "> d/x && echo 1 > m")
    root = repository(tmp_path / "old", {"dvc.yaml": text, "params.yaml": "k: 1\n", "in/a": "a\n", "in.txt": "in\n"})
    assert run_dvc(root, "repro", "--quiet").code == 0
    age(root, random.Random(3), share=1.0, cache="moved")
    return root


def reasons(root):
    """What status says of the stage `s`: kind, path, whether it was there before, and the word for its state."""
    rows = {row["name"]: row["reasons"] for row in run_mlgit(root, "status", "--json").json["stages"]}
    return rows["s"]


def test_what_changed_is_called_as_for_a_lock_of_today(old):
    assert run_mlgit(old, "status").code == 0
    today = old.parent / "today"
    shutil.copytree(old, today, symlinks=True)
    assert run_dvc(today, "repro", "--force", "--quiet").code == 0
    path = today / "dvc.lock"
    assert path.read_text().count("hash: md5") == 0  # what did not change stays as DVC 2 wrote it
    path.write_text(re.sub(r"( +)(md5: )", r"\1hash: md5\n\1\2", path.read_text()))
    shutil.copytree(today / ".dvc/cache", today / ".dvc/cache/files/md5", ignore=shutil.ignore_patterns("files", "runs"))
    for root in (old, today):
        shutil.rmtree(root / "d")
        (root / "m").write_text("2\n")
        write_tree(root, {"in/a": "b\n", "params.yaml": "k: 2\n"})
        (root / "dvc.yaml").write_text((root / "dvc.yaml").read_text().replace("mkdir -p", "mkdir"))
    assert reasons(old) == reasons(today)
    assert [row["new"] for row in reasons(old) if row["path"] == "d"] == ["missing"]
    (old / "in.txt").unlink()
    (today / "in.txt").unlink()
    assert reasons(old) == reasons(today)
    assert run_mlgit(old, "status").out == run_mlgit(today, "status").out


def lose(root):
    """Take away what DVC can bring back: results, tracked data, the cache and all notes."""
    for path in ("d", "data", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(root / path)
    (root / "one").unlink()


@pytest.fixture
def pushed(old):
    """The old project with tracked data, all of it in a remote as DVC 2 laid it out."""
    write_tree(old, {"data/x": b"1\r\n", "data/y": b"2\n"})
    write_tree(old, {"one": b"1\r\n"})
    for args in (("add", "-q", "data", "one"), ("remote", "add", "-q", "-d", "there", str(old.parent / "there"))):
        assert run_dvc(old, *args).code == 0
    age(old, random.Random(4), share=1.0, cache="moved")
    assert run_dvc(old, "push", "-q").code == 0
    assert not (old.parent / "there/files").exists()
    return old


def test_pull_brings_what_dvc_2_pushed_and_runs_nothing(pushed):
    before = (pushed / "dvc.lock").read_bytes(), (pushed / "data.dvc").read_bytes()
    lose(pushed)
    done = run_mlgit(pushed, "run", "--pull", "--json").json["counts"]
    assert (done["restored"], done["ran"], done["failed"]) == (3, 0, 0)
    assert ((pushed / "dvc.lock").read_bytes(), (pushed / "data.dvc").read_bytes()) == before
    assert (pushed / "data/x").read_bytes() == b"1\r\n"
    assert run_mlgit(pushed, "status").code == 0
    assert "up to date" in run_dvc(pushed, "status").out


def test_tracked_data_of_dvc_2_comes_back_from_the_cache(pushed):
    shutil.rmtree(pushed / "data")
    done = run_mlgit(pushed, "run", "--json").json["counts"]
    assert (done["restored"], done["ran"], done["failed"]) == (1, 0, 0)
    assert (pushed / "data/x").read_bytes() == b"1\r\n"


def test_tracked_data_of_dvc_2_that_only_the_cache_lacks_is_taken_into_it(pushed, tmp_path):
    shutil.rmtree(pushed / ".dvc/cache")
    by_dvc = shutil.copytree(pushed, tmp_path / "by-dvc", symlinks=True)
    assert run_dvc(by_dvc, "repro", "--all-pipelines").code == 0
    assert run_mlgit(pushed, "run").code == 0
    assert (pushed / "data.dvc").read_bytes() == (by_dvc / "data.dvc").read_bytes()
    assert cached(pushed) == cached(by_dvc) != []


LOST = {
    "deps: [in, in.txt]": ("deps: [in, gone]", "stages.s.deps: 'gone' does not exist"),
    "[in, in.txt]": ("[in, '{outside}']", "stages.s.deps: '{outside}' does not exist"),
    "params: [k]": ("params: [gone]", "stages.s.params: 'gone' is not in params.yaml"),
}


@pytest.mark.parametrize("found", LOST)
def test_a_lost_input_is_named_with_its_place_for_what_dvc_2_recorded_too(old, found):
    outside = str(old.parent / "gone")
    becomes, says = (text.replace("{outside}", outside) for text in LOST[found])
    (old / "dvc.yaml").write_text((old / "dvc.yaml").read_text().replace(found, becomes))
    done, refused = run_mlgit(old, "run"), run_dvc(old, "repro")
    assert (done.code == 0) == (refused.code == 0) is False
    assert says in done.out
    assert "hint: " in done.out


def cached(root):
    """The objects and recorded runs of a cache."""
    return sorted(path.relative_to(root).as_posix() for path in (root / ".dvc/cache").rglob("*") if path.is_file())


def test_doctor_names_what_dvc_2_recorded_and_nobody_has(pushed):
    assert run_mlgit(pushed, "doctor").code == 0
    shutil.rmtree(pushed / "data")
    assert run_mlgit(pushed, "doctor").code == 0
    lose_cache = next((pushed / ".dvc/cache").glob("[0-9a-f][0-9a-f]/*"))
    shutil.rmtree(lose_cache.parents[1])
    found = run_mlgit(pushed, "doctor", "--json").json["findings"]
    assert [row["path"] for row in found if row["kind"] == "output"] == ["data"]
    shutil.rmtree(pushed / "d")
    (pushed / "one").unlink()
    found = run_mlgit(pushed, "doctor", "--json").json["findings"]
    assert {row["path"] for row in found if row["kind"] == "output"} == {"data", "d", "one"}


def test_diff_compares_what_dvc_2_recorded(old):
    text = (old / "dvc.yaml").read_text().replace("{m: {cache: false}}]", "{m: {cache: false}}]\n    metrics: [n.json]")
    (old / "dvc.yaml").write_text(text.replace("echo 1 > m", "echo 1 > m && echo '{\"n\":' $(wc -c < d/x) } > n.json"))
    commits = []
    for content in ("a\r\n", "abc\r\n"):
        write_tree(old, {"in/a": content})
        assert run_dvc(old, "repro", "--quiet").code == 0
        age(old, random.Random(5), share=1.0, cache="moved")
        commits.append(commit(old))
    found = run_mlgit(old, "diff", *commits, "--format", "json")
    assert found.code == 0, found
    assert {row["path"]: row["change"] for row in found.json["data"]} == {"d": "changed"}
    assert [(row["name"], row["base"], row["head"]) for row in found.json["metrics"]] == [("n", 6, 8)]
    assert "only DVC" not in found.out
