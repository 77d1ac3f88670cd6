"""Outputs that would cost a repository are refused before anything is deleted or run, by whatever path they are named."""

from __future__ import annotations

import json

import pytest

from tests.kit import commit, git, repository, write_tree
from tests.pipeline.differential import run_dvc

pytestmark = pytest.mark.slow  # real processes, many of them

KEPT = [
    *(".git", ".git/", "./.git", "data/../.git", ".git/config", "sub/.git", "sub/.git/x"),
    *(".dvc", ".dvc/", ".dvc/cache", "sub/.dvc/x", ".hg/x"),
    *("foo.dvc", "sub/foo.dvc", "dvc.yaml", "sub/dvc.yaml", "dvc.yaml/", ".", "data/..", "../", "../.."),
]
ALLOWED = [
    ".git.x",
    ".gitx/y",
    "a.git",
    "git",
    ".GIT",
    ".gitmodules",
    "foo.dvc/x",
    "dvc.yaml.txt",
    "..a",
    "a..",
    ".dvcx",
    "...",
]


def declare(root, outs, *, cmd="touch ran", **more):
    """A pipeline of one stage with these outputs."""
    stage = {"cmd": cmd, "deps": ["data/in"], "outs": outs, **more}
    write_tree(root, {"data/in": "1", "dvc.yaml": json.dumps({"stages": {"a": stage}})})
    return root


def refused(cli, root, *args, said="", code=2):
    """Run, see it refused, and that nothing was deleted or run."""
    before = git(root, "rev-parse", "HEAD")
    done = cli(root, *(args or ("run",)))
    assert done.code == code, done.said
    assert said in done.said
    assert git(root, "rev-parse", "HEAD") == before
    assert not list(root.rglob("ran"))


def test_names_are_refused_where_dvc_refuses_them(tmp_path, cli):
    root = repository(tmp_path / "r")
    for path in (*KEPT, *ALLOWED):
        declare(root, [path])
        theirs, ours = run_dvc(root, "dag").code, cli(root, "dag").code
        assert (path, theirs != 0, ours) == (path, path in KEPT, 2 if path in KEPT else 0)


@pytest.mark.parametrize("command", ["run", "status", "dag"])
def test_every_command_refuses_a_repository_as_an_output(tmp_path, cli, command):
    refused(cli, declare(repository(tmp_path), [".git"]), command, said="'.git' is kept by Git or DVC")


@pytest.mark.parametrize(
    ("wdir", "path"), [("data", "../.git"), (".git", "refs"), ("..", "r/.git"), ("..", "r"), ("..", "."), ("data", "../../r")]
)
def test_folder_a_stage_runs_in_leads_to_no_repository(tmp_path, cli, wdir, path):
    root = declare(repository(tmp_path / "r"), [{path: {"cache": False}}], wdir=wdir, deps=[])
    refused(cli, root)


@pytest.mark.parametrize("path", [".git", ".dvc/cache", "", ".git/../.git/refs", "../r/.git"])
def test_absolute_path_leads_to_no_repository(tmp_path, cli, path):
    root = repository(tmp_path / "r")
    for command in ("run", "status", "dag"):
        refused(cli, declare(root, [{f"{root}/{path}": {"cache": False}}]), command)


@pytest.mark.parametrize(("to", "path"), [(".git", "link/refs"), (".git", "link"), (".dvc", "link/cache"), (".", "link")])
def test_link_leads_to_no_repository(tmp_path, cli, to, path):
    root = declare(repository(tmp_path), [path])
    (root / "link").symlink_to(to)
    refused(cli, root, said="the Git repository" if to == ".git" else "DVC's")


def test_negated_pattern_allows_nothing(tmp_path, cli):
    root = write_tree(declare(repository(tmp_path), [".git"]), {".dvcignore": "!.git\n!.git/\n"})
    refused(cli, root)


@pytest.mark.parametrize("path", ["../../.git", "../../.git/refs", "../.git", ".."])
def test_repository_of_a_monorepo_is_no_output(tmp_path, cli, path):
    repository(tmp_path)
    (tmp_path / "svc/p").mkdir(parents=True)
    assert run_dvc(tmp_path / "svc/p", "init", "--subdir", "--quiet").code == 0
    refused(cli, declare(tmp_path / "svc/p", [{path: {"cache": False}}]))


def test_worktree_keeps_its_git_file_and_the_repository_behind_it(tmp_path, cli):
    main = repository(tmp_path / "main")
    git(main, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    for path in (".git", f"{main}/.git", f"{main}/.git/worktrees", f"{main}/.git/worktrees/tree/x"):
        refused(cli, declare(tmp_path / "tree", [{path: {"cache": False}}]))


def test_cache_is_no_output(tmp_path, cli):
    root = repository(tmp_path / "r")
    (root / ".dvc/config").write_text("[cache]\n    dir = ../store/cache\n")
    write_tree(root, {"store/cache/x": ""})
    for path in ("store", "store/cache", "store/cache/files"):
        refused(cli, declare(root, [path]), said="DVC's cache")


@pytest.mark.parametrize("where", ["vendor", "vendor/lib/deep"])
@pytest.mark.parametrize("kind", ["git", "dvc", "worktree"])
def test_repository_inside_an_output_is_not_deleted(tmp_path, cli, where, kind):
    root = declare(repository(tmp_path), [{"vendor": {"cache": False}}])
    if kind == "dvc":
        write_tree(root, {f"{where}/.dvc/config": "", f"{where}/x": ""})
    else:
        git(root, *(("init", "--quiet", where) if kind == "git" else ("worktree", "add", "--quiet", where)))
    refused(cli, root, said="'vendor' holds a repository")
    assert (root / where / (".dvc" if kind == "dvc" else ".git")).exists()


def test_stage_that_makes_a_repository_is_up_to_date_and_is_not_run_again(tmp_path, cli):
    root = declare(repository(tmp_path), ["vendor"], cmd="mkdir vendor && git init --quiet vendor && touch vendor/x")
    assert cli(root, "run").code == cli(root, "run").code == cli(root, "status").code == 0
    write_tree(root, {"data/in": "2"})
    refused(cli, root, said="holds a repository")


def test_repository_that_an_earlier_stage_makes_is_not_deleted(tmp_path, cli):
    root = repository(tmp_path)
    stages = {
        "one": {"cmd": "mkdir -p two/x && git init --quiet two/x && touch one", "outs": ["one"]},
        "two": {"cmd": "echo > two/y", "deps": ["one"], "outs": ["two"]},
    }
    write_tree(root, {"dvc.yaml": json.dumps({"stages": stages})})
    assert "holds a repository" in cli(root, "run").said
    assert (root / "two/x/.git/HEAD").exists()


def test_stage_that_keeps_its_output_keeps_a_repository_in_it(tmp_path, cli):
    root = declare(repository(tmp_path), [{"vendor": {"persist": True}}], cmd="date > vendor/x")
    git(root, "init", "--quiet", "vendor")
    assert cli(root, "run").code == 0
    assert (root / "vendor/.git/HEAD").exists()


def test_nothing_runs_when_a_later_stage_has_a_forbidden_output(tmp_path, cli):
    root = repository(tmp_path)
    stages = {"one": {"cmd": "touch ran", "outs": ["ran"]}, "two": {"cmd": "false", "deps": ["ran"], "outs": ["vendor"]}}
    write_tree(root, {"dvc.yaml": json.dumps({"stages": stages}), "vendor/x": ""})
    git(root, "init", "--quiet", "vendor")
    refused(cli, root, "run", "--keep-going", said="holds a repository")


def test_slow_path_is_held_to_the_same(tmp_path, cli):
    root = declare(repository(tmp_path / "r"), ["vendor"], deps=["../far"])
    write_tree(tmp_path, {"far": "1"})
    git(root, "init", "--quiet", "vendor")
    refused(cli, root, said="holds a repository")
    declare(root, [".git"], deps=["../far"])
    refused(cli, root, said="'.git' is kept")


@pytest.mark.parametrize("path", [".git/x", ".dvc/x", "../out", "foo.dvc"])
def test_dvc_file_that_names_a_kept_path_is_refused(tmp_path, cli, path):
    row = f"outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  size: 0\n  hash: md5\n  path: {path}\n"
    root = write_tree(repository(tmp_path / "r"), {"d.dvc": row})
    theirs = run_dvc(root, "status").code
    assert theirs != 0
    assert cli(root, "status").code == 2


def test_cached_output_outside_the_project_is_refused_before_it_is_deleted(tmp_path, cli):
    root = write_tree(declare(repository(tmp_path / "r"), ["../far"]), {"../far": "1"})
    assert run_dvc(root, "repro").code != 0
    (root / "ran").unlink()
    (tmp_path / "far").write_text("1")
    refused(cli, root, said="where DVC 3 caches nothing", code=1)
    assert (tmp_path / "far").read_text() == "1"
    assert cli(root, "status").code == 2


@pytest.mark.parametrize("key", ["deps", "params"])
def test_file_of_dvc_is_no_dependency(tmp_path, cli, key):
    root = write_tree(repository(tmp_path), {"d.dvc": "outs: []\n"})
    rows = ["d.dvc"] if key == "deps" else [{"d.dvc": ["outs"]}]
    write_tree(root, {"dvc.yaml": json.dumps({"stages": {"a": {"cmd": "true", key: rows}}})})
    assert run_dvc(root, "dag").code != 0
    refused(cli, root, said="'d.dvc' is a file of DVC, so it cannot be a dependency")


def test_output_that_names_a_file_of_dvc_as_a_folder_is_refused(tmp_path, cli):
    root = declare(repository(tmp_path), ["d.dvc/"])
    write_tree(root, {"d.dvc": "outs: []\n"})
    commit(root)
    refused(cli, root, said="'d.dvc/' is a file of DVC")


@pytest.fixture
def tracked(tmp_path, cli):
    """A pipeline that ran; its output was then committed against its .gitignore line."""

    def make(out, cmd):
        root = declare(repository(tmp_path / "r"), [out], cmd=cmd)
        assert cli(root, "run").code == 0
        git(root, "add", "--force", *(str(path) for path in root.rglob("o*") if path.is_file() and ".dvc" not in path.parts))
        commit(root)
        return root

    return make


@pytest.mark.parametrize(("out", "cmd"), [("o", "cat data/in > o"), ("d", "mkdir -p d/e && cat data/in > d/e/o")])
def test_output_that_git_tracks_is_refused_before_it_is_deleted(tracked, cli, out, cmd):
    root = tracked(out, cmd)
    assert cli(root, "run").code == cli(root, "status").code == 0  # nothing to do, nothing to refuse
    for change in ({"data/in": "2"}, {"dvc.yaml": (root / "dvc.yaml").read_text().replace("cat", "cat -u")}):
        write_tree(root, change)
        refused(cli, root, said=f"output '{out}' is already tracked by Git")
    refused(cli, root, "run", "--force", said="already tracked")
    assert not git(root, "status", "--short", out)
    assert run_dvc(root, "repro").code != 0


def test_output_that_git_tracks_is_not_restored(tracked, cli):
    root = tracked("o", "cat data/in > o")
    git(root, "rm", "--quiet", "--cached", "o")
    write_tree(root, {"data/in": "2"})
    assert cli(root, "run").code == 0
    git(root, "add", "--force", "o")
    write_tree(root, {"data/in": "1"})
    refused(cli, root, said="already tracked")
    assert (root / "o").read_text() == "2"


def test_slow_path_refuses_what_git_tracks_before_it_is_deleted(tmp_path, cli):
    root = declare(repository(tmp_path / "r"), [f"{tmp_path}/r/o"], cmd="touch ran o")
    write_tree(root, {"o": "1"})
    commit(root)
    refused(cli, root, said="output 'o' is already tracked")
    assert (root / "o").read_text() == "1"


def test_other_stages_run_beside_one_that_is_up_to_date_and_tracked(tracked, cli):
    root = tracked("o", "cat data/in > o")
    document = json.loads((root / "dvc.yaml").read_text())
    document["stages"]["b"] = {"cmd": "touch b", "outs": ["b"]}
    write_tree(root, {"dvc.yaml": json.dumps(document)})
    assert cli(root, "run").code == 0


IGNORED = [
    ("o\n", "o", True),
    ("/data/\n", "data/x", True),
    ("*.tmp\n", "a.tmp", True),
    ("*\n!o\n!dvc.yaml\n", "o", False),
    ("data/*\n!data/o\n", "data/o", False),
    ("o/\n", "o", False),
    ("sub\n", "o", False),
]


@pytest.mark.parametrize(("rules", "path", "is_refused"), IGNORED)
@pytest.mark.parametrize("more", [{}, {"deps": ["../far"]}])
def test_output_that_dvcignore_leaves_out_is_refused_as_in_dvc(tmp_path, cli, rules, path, is_refused, more):
    root = declare(repository(tmp_path / "r"), [path], cmd=f"echo > {path}", **more)
    write_tree(root, {".dvcignore": rules, "../far": "1"})
    assert (run_dvc(root, "dag").code != 0) == is_refused
    for command in ("dag", "status", "run"):
        assert (cli(root, command).code == 2) == is_refused, cli(root, command).said
    assert (root / path).exists() != is_refused
    assert (cli(root, "doctor").code == 1) == is_refused


def test_folder_that_dvcignore_leaves_out_once_it_is_made_is_not_recorded(tmp_path, cli):
    root = declare(repository(tmp_path), ["o"], cmd="mkdir -p o && echo > o/x")
    write_tree(root, {".dvcignore": "o/\n"})
    done = cli(root, "run")
    assert (done.code, "'o' is left out by .dvcignore" in done.said) == (1, True)
    assert not (root / "dvc.lock").exists()
    assert cli(root, "run").code == 2  # it is a folder now, and known to be one
    assert run_dvc(root, "repro").code != 0


def test_dvcignore_beside_an_output_in_a_folder_git_ignores_counts(tmp_path, cli):
    root = declare(repository(tmp_path), ["build/o"])
    write_tree(root, {".gitignore": "/build\n", "build/.dvcignore": "o\n"})
    assert run_dvc(root, "dag").code != 0
    refused(cli, root, said="left out by .dvcignore")


def test_linked_folder_stays_and_is_written_through(tmp_path, cli):
    root = declare(repository(tmp_path / "r"), ["big"], cmd="cat data/in > big/x")
    write_tree(tmp_path, {"disk/old": "1"})
    (root / "big").symlink_to(tmp_path / "disk")
    assert cli(root, "run").code == 0
    assert (root / "big").is_symlink()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["old", "x"]
    assert "up to date" in run_dvc(root, "status").out


def test_folder_outside_the_project_is_refused_before_dvc_would_fail(tmp_path, cli):
    root = declare(repository(tmp_path / "r"), ["r/o"], wdir="..", cmd="touch r/ran r/o", deps=["r/data/in"])
    assert run_dvc(root, "repro").code != 0
    write_tree(root, {"o": "1"})
    (root / "ran").unlink()
    refused(cli, root, said="lies outside the project, which DVC does not record")
    assert (root / "o").read_text() == "1"
    declare(root, ["r/o"], wdir="..", cmd="touch r/o", deps=[])
    assert run_dvc(root, "repro").code == cli(root, "run").code == 0


@pytest.mark.parametrize("path", [".git", "../.git/refs", "o/../../.git"])
def test_absolute_folder_a_stage_runs_in_leads_to_no_repository(tmp_path, cli, path):
    root = repository(tmp_path / "r")
    refused(cli, declare(root, [path], wdir=f"{root}/data" if path.startswith("..") else str(root), deps=[]))


def test_output_behind_a_link_out_of_the_repository_is_refused_before_dvc_would_fail(tmp_path, cli):
    root = declare(repository(tmp_path / "r"), ["link/o"], cmd="touch ran && echo > link/o")
    write_tree(tmp_path, {"far/o": "1"})
    (root / "link").symlink_to("../far")
    refused(cli, root, said="leads out of the repository")
    assert (tmp_path / "far/o").read_text() == "1"
    assert run_dvc(root, "repro").code != 0


@pytest.mark.parametrize("rules", ["\\\n", "x\\\n"])
def test_pattern_that_dvc_cannot_read_is_said(tmp_path, cli, rules):
    root = write_tree(declare(repository(tmp_path), ["o"]), {".dvcignore": rules})
    theirs = run_dvc(root, "dag").code
    assert (theirs != 0, cli(root, "dag").code) == (True, 2)
    assert ".dvcignore: cannot be read" in cli(root, "run").said
