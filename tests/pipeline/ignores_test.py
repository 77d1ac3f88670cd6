"""Ignore rules at every level, held against DVC: which pipeline files there are, and which line an output gets."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.repo.index import collect_files

from mlgit.adapters.dvc.gitignore import AsDvc
from mlgit.adapters.system.stat_signature import RACY_NS
from mlgit.errors import MlgitError
from mlgit.pipeline import sources
from tests.conftest import FULL
from tests.kit import git, repository, write_tree
from tests.pipeline.differential import compare, run_dvc

pytestmark = pytest.mark.slow  # real processes, many of them

FOLDERS = ("", "a/", "a/b/", "data/", "data/raw/", "x.dvc.d/")
# Patterns of every kind: names, folders, wildcards, negations, anchors, escapes, and lines that mean nothing.
PATTERNS = (
    """
*|!*.dvc|!.gitignore|!*/|data|data/|/data|/data/*|data/*|data/**|!data/|!/data/raw/|**/raw|raw/|*.dvc|/*.dvc|d.dvc|!d.dvc
dvc.yaml|!dvc.yaml|dvc.*|*.lock|dvc.lock|a/b|/a/b/|a/*|!a/b|a/**/d.dvc|?.dvc|[de].dvc|!e.dvc|\\!x|#c|\\#c|a/|b|**/b/|/**/b
/a/**|x.dvc.d/|*.d/|\\d.dvc| |data/ |/|!|**|*/|!**/|/*|!/*/|a|!a|a/b/*|!a/b/dvc.yaml|dvc.yaml/|d.dvc/
""".strip("\n")
    .replace("\n", "|")
    .split("|")
)
PLACES = (*(f"{folder}.gitignore" for folder in FOLDERS[:5]), ".git/info/exclude", "global", ".dvcignore", "a/.dvcignore")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with pipeline files and `.dvc` files in every folder."""
    root = repository(tmp_path_factory.mktemp("ignores") / "r")
    for folder in FOLDERS:
        stages = {"dvc.yaml": "stages:\n  s:\n    cmd: echo\n", "d.dvc": "outs: []\n", "e.dvc": "outs: []\n"}
        write_tree(root / folder, stages)
    return root


@pytest.fixture
def everywhere(tmp_path, monkeypatch):
    """Git's configuration with an ignore file for all repositories."""
    path = tmp_path / "config"
    path.write_text(Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text() + f"[core]\n    excludesFile = {tmp_path}/global\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    return tmp_path / "global"


def lay(root, everywhere, rules):
    """Put ignore files in their places, and take those of the last time away."""
    for place in (*PLACES, "data/.dvcignore"):
        (everywhere if everywhere and place == "global" else root / place).unlink(missing_ok=True)
    for place, text in rules.items():
        (everywhere if place == "global" else root / place).write_text(text)


def theirs(root):
    """The pipeline files that DVC finds, or None where it refuses."""
    with Repo(str(root)) as repo:
        try:
            return sorted(os.path.relpath(path, root) for path, _ in collect_files(repo))
        except Exception:
            return None


def ours(root):
    try:
        return sorted(sources.WorkspaceFiles(Path(root)).pipeline_files())
    except MlgitError:
        return None


@pytest.mark.parametrize("part", range(100 if FULL else 2))
def test_same_files_are_found_whatever_is_ignored_where(project, everywhere, part):
    for seed in range(part * 30, part * 30 + 30):
        rng = random.Random(seed)
        places = rng.sample(PLACES, rng.choice([1, 1, 2, 2, 3]))
        rules = {place: "\n".join(rng.choices(PATTERNS, k=rng.randint(1, 4))) + "\n" for place in places}
        lay(project, everywhere, rules)
        assert ours(project) == theirs(project), (seed, rules)


@pytest.mark.parametrize(
    ("rules", "seen"),
    [
        ({"data/.gitignore": "*\n!*.dvc\n!.gitignore\n"}, {"data/d.dvc", "data/e.dvc"}),
        ({"data/.gitignore": "*\n!*.dvc\n!*/\n"}, {"data/d.dvc", "data/e.dvc", "data/raw/d.dvc", "data/raw/e.dvc"}),
        ({".gitignore": "/data/*\n!/data/*.dvc\n"}, set()),
        ({".gitignore": "data\n", "data/.gitignore": "!*\n"}, {f"data/{n}" for n in ("d.dvc", "dvc.yaml", "e.dvc")}),
        ({".git/info/exclude": "data/\n"}, set()),
        ({"global": "/data\n"}, set()),
        ({"global": "data/\n", ".git/info/exclude": "!data/\n"}, set()),
        ({".dvcignore": "data/*\n!data/d.dvc\n"}, {"data/d.dvc"}),
        ({"data/.dvcignore": "/raw/\ne.dvc\n"}, {"data/d.dvc", "data/dvc.yaml"}),
    ],
)
def test_rules_have_their_say_as_in_dvc(project, everywhere, rules, seen):
    lay(project, everywhere, rules)
    found = ours(project)
    assert found == theirs(project)
    if rules.get("data/.gitignore") == "!*\n":
        seen = {path for path in theirs(project) if path.startswith("data/")}
    assert {path for path in found if path.startswith("data/")} == seen


def test_rules_above_the_project_count(tmp_path, everywhere, cli):
    write_tree(repository(tmp_path / "r"), {".gitignore": "[de].dvc\n!/svc/p/d.dvc\n", "svc/p/x/d.dvc": "outs: []\n"})
    root = tmp_path / "r/svc/p"
    assert run_dvc(root, "init", "--subdir", "--quiet").code == 0
    write_tree(root, {"d.dvc": "outs: []\n"})
    assert ours(root) == theirs(root) == ["d.dvc"]


@pytest.mark.parametrize("place", [".gitignore", "sub/.gitignore", ".git/info/exclude", "global"])
def test_ignored_lock_is_refused_by_every_command(tmp_path, everywhere, cli, place):
    root = write_tree(repository(tmp_path / "r"), {"sub/dvc.yaml": "stages:\n  s:\n    cmd: touch ran\n"})
    assert cli(root, "run").code == cli(root, "dag").code == 0
    (root / "sub/ran").unlink()
    lay(root, everywhere, {place: "dvc.lock\n"})
    for command in ("run", "status", "dag"):
        assert cli(root, command).code == 2
        assert "sub/dvc.lock: ignored by Git" in cli(root, command).said
    assert not (root / "sub/ran").exists()
    assert run_dvc(root, "repro", "--all-pipelines").code != 0


def test_ignored_pipeline_is_refused_where_all_would_be_well(tmp_path, cli):
    root = write_tree(repository(tmp_path), {"dvc.yaml": "stages:\n  s:\n    cmd: touch ran\n", ".gitignore": "dvc.*\n"})
    assert run_dvc(root, "repro").code != 0
    for command in ("run", "status", "dag"):
        assert "dvc.yaml: left out by an ignore file" in cli(root, command).said
    lay(root, None, {".dvcignore": "/dvc.yaml\n"})
    assert cli(root, "run").code == 2
    assert run_dvc(root, "repro").code != 0
    lay(root, None, {".gitignore": "/sub/dvc.yaml\n"})
    write_tree(root, {"sub/dvc.yaml": "stages:\n  t:\n    cmd: 'false'\n"})
    assert cli(root, "run").code == 0


NAMES = ["back\\slash", "\\", "a\\", "[x]", "!x", "#x", "a*b", "q?", " lead", "tr ", "é", "t\tx", "{x}", "~x", "-x"]


def stages(names, cmd="echo {0} > {0}"):
    rows = [("s" + str(n), {"cmd": cmd.format(f"'{name}'"), "outs": [name]}) for n, name in enumerate(names)]
    return json.dumps({"stages": dict(rows)}, ensure_ascii=False)


def test_special_characters_are_escaped_as_dvc_does(tmp_path):
    both = [tmp_path / "a", tmp_path / "b"]
    for root in both:
        write_tree(repository(root), {"dvc.yaml": stages(NAMES), "sub/dvc.yaml": stages(NAMES[:4])})
    assert compare(*both, always=True, options=("-j1",))  # stages side by side end in any order
    git(both[0], "add", "--all")
    assert set(git(both[0], "ls-files").splitlines()).isdisjoint({"back\\slash", '"back\\\\slash"', '"\\\\"'})


BEFORE = {
    "pattern for a folder": "o/\n",
    "name": "o",
    "wildcard": "o*\n",
    "negated": "o\n!o\n",
    "own line negated": "/o\n!/o\n",
    "contents": "/o/*\n",
    "line ends of Windows": "/o\r\n# x\r\n",
    "no line end": "# x",
    "byte order mark": "\ufeff/x\n",
    "another line separator": "x\u2028/o\n",
    "latin": "# \u00e9\n",
}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_line_is_written_where_dvc_writes_it(tmp_path, kind, everywhere):
    cmd = "echo 1 > o" if kind == "file" else "mkdir o && echo 1 > o/x"
    both = [tmp_path / "a", tmp_path / "b"]
    for root in both:
        repository(root)
        for n, text in enumerate(BEFORE.values()):
            rows = {"s": {"cmd": cmd, "outs": ["o"]}}
            write_tree(root, {f"p{n}/dvc.yaml": json.dumps({"stages": rows}), f"p{n}/.gitignore": text.encode()})
    assert compare(*both, always=True)


def test_line_that_the_command_writes_is_not_written_twice(tmp_path):
    both = [tmp_path / "a", tmp_path / "b"]
    for root in both:
        write_tree(repository(root), {"dvc.yaml": stages(["o"], "echo /o > .gitignore && echo {0} > {0}")})
    assert compare(*both, always=True)


SAID_MEANWHILE = {
    "taken back": "echo '!o3' > .gitignore",
    "taken back elsewhere": "mkdir -p .git/info && echo '!o*' > .git/info/exclude; echo > .gitignore",
    "lost": "rm .gitignore",
    "taken back in a folder": "echo '!*' > sub/.gitignore",
}


@pytest.mark.parametrize("change", SAID_MEANWHILE)
def test_wildcards_that_a_command_changes_count_from_then_on_as_in_dvc(tmp_path, change):
    both = [tmp_path / "a", tmp_path / "b"]
    names = ["o1", "sub/o1", "o2", "o3", "p1", "sub/o2"]
    rows = {f"s{n}": {"cmd": f"echo {n} > {name}", "outs": [name]} for n, name in enumerate(names)}
    rows["s2"]["cmd"] += f"; {SAID_MEANWHILE[change]}"
    for root in both:
        write_tree(repository(root), {"dvc.yaml": json.dumps({"stages": rows}), ".gitignore": "o*\n", "sub/x": ""})
    assert compare(*both, always=True, options=("-j1",))


def test_change_of_a_wildcard_within_one_tick_of_the_clock_counts(tmp_path):
    write_tree(repository(tmp_path), {".gitignore": "o*\n"})
    ignored = AsDvc(tmp_path)
    for text in ("p*\n", "o*\n") * 20:
        assert ignored("o") == (not ignored("p"))
        write_tree(tmp_path, {".gitignore": text})
        assert (ignored("o"), ignored("p")) == (text == "o*\n", text == "p*\n")


READS = """
import pathlib, sys
from mlgit.adapters.dvc.gitignore import AsDvc
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
ignored = AsDvc(pathlib.Path.cwd())
assert all(ignored(f"o{n}") for n in range(50))
print(sum(path.endswith(".gitignore") for path in opened))
"""


def test_wildcards_that_stay_are_read_once_for_all_outputs(tmp_path):
    root = write_tree(repository(tmp_path), {".gitignore": "o*\n"})
    newest = max((root / path).stat().st_ctime_ns for path in (".gitignore", ".git/config", ".git/info/exclude"))
    while time.time_ns() < newest + 2 * RACY_NS:
        pass
    done = subprocess.run([sys.executable, "-c", READS], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_output_behind_a_link_gets_its_line_there(tmp_path):
    both = [tmp_path / "a", tmp_path / "b"]
    for root in both:
        write_tree(repository(root), {"dvc.yaml": stages(["link/o"]), "there/x": ""})
        (root / "link").symlink_to("there")
    assert compare(*both, always=True)


INSIDE = [
    "*.tmp",
    "x/",
    "/d/x",
    "d/*/a",
    "!a.tmp",
    "!*.dvc",
    "d/**/b",
    "x",
    "!x/a",
    "*",
    "!*/",
    "!d",
    "!d/x",
    "/sub/d/y/",
    "[ab]",
    "a",
    "!y",
]
MAKE = "mkdir -p d/x/y d/y d/n/.dvc && for f in a b a.tmp b.tmp x/a x/b.tmp x/y/a x/y/b y/a y/x n/a; do echo $f > d/$f; done"


@pytest.mark.parametrize("seed", range(60 if FULL else 6))
def test_same_files_of_a_folder_are_recorded(tmp_path, seed):
    rng = random.Random(seed)
    rules = {place: "\n".join(rng.choices(INSIDE, k=rng.randint(1, 3))) + "\n" for place in (".dvcignore", "sub/.dvcignore")}
    rules[".dvcignore"] = rules[".dvcignore"] + "!dvc.yaml\n!sub\n"
    rules["sub/.dvcignore"] += "!dvc.yaml\n"
    both = [tmp_path / "a", tmp_path / "b"]
    rows = {
        "s": {"cmd": MAKE, "outs": ["d"]},
        "t": {"cmd": "cat d/y/* > t || true", "deps": ["d"], "outs": ["t", {"r": {"cache": False}}]},
    }
    rows["t"]["cmd"] += "; mkdir -p r/x && echo 1 | tee r/a r/x/a r/b.tmp > /dev/null; echo > t"
    for root in both:
        write_tree(
            repository(root), {**rules, "sub/dvc.yaml": json.dumps({"stages": rows}), "dvc.yaml": json.dumps({"stages": rows})}
        )
    compare(*both, always=True)


def test_project_inside_a_folder_is_left_out_as_in_dvc(tmp_path):
    both = [tmp_path / "a", tmp_path / "b"]
    cmd = "mkdir -p o/n/.dvc o/m/k/.dvc && echo 1 | tee o/a o/n/b o/m/c o/m/k/d > /dev/null"
    rows = {"s": {"cmd": cmd, "outs": ["o"]}, "t": {"cmd": "echo > t", "deps": ["far", "far/in", "far/in/x"], "outs": ["t"]}}
    for root in both:
        files = {"far/.dvc/config": "", "far/x": "1", "far/in/x": "2", "dvc.yaml": json.dumps({"stages": rows})}
        write_tree(repository(root), files)
    assert compare(*both, always=True)


def test_output_that_is_a_project_of_its_own_is_not_recorded_as_nothing(tmp_path, cli):
    root = write_tree(repository(tmp_path), {"dvc.yaml": stages(["o"], "mkdir -p o/.dvc && echo > o/x")})
    done = cli(root, "run")
    assert (done.code, "'o' is a project of its own" in done.said) == (1, True)
    assert (root / "o/x").exists()
    assert not (root / "dvc.lock").exists()


def test_rule_that_is_added_between_two_commands_counts(tmp_path, everywhere, cli):
    root = repository(tmp_path / "r")
    write_tree(root, {"dvc.yaml": "stages:\n  s:\n    cmd: echo > o\n    outs: [o]\n", "sub/d.dvc": "outs: []\n"})
    assert cli(root, "run").code == cli(root, "run").code == 0
    for place in (".git/info/exclude", "global", ".gitignore", ".dvcignore"):
        before = (everywhere if place == "global" else root / place).read_text() if place == ".gitignore" else ""
        lay(root, everywhere, {place: before + "*.dvc\n"})
        assert ours(root) == theirs(root) == ["dvc.yaml"]
        names = [row["name"] for row in cli(root, "dag", "--json").json["stages"]]
        assert names == ["s"], place
        lay(root, everywhere, {".gitignore": "/o\n"})
        assert len(cli(root, "dag", "--json").json["stages"]) == 2, place


@pytest.mark.parametrize("flags", [{"cache": False}, {}])
def test_ignore_file_as_an_output_is_recorded_as_dvc_does(tmp_path, flags):
    both = [tmp_path / "a", tmp_path / "b"]
    rows = {"s": {"cmd": "echo /q > .gitignore && echo > o", "outs": ["o", {".gitignore": flags}]}}
    for root in both:
        write_tree(repository(root), {"dvc.yaml": json.dumps({"stages": rows})})
    assert compare(*both, always=True)
