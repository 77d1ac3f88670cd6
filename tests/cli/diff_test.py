"""`mlgit diff` as a user types it."""

import gzip
import json
import os
import pty
import re
import shutil
import subprocess
import sys

import pytest

from tests.kit import commit, dvc, git, repository, write_tree
from tests.kit.forked import mlgit
from tests.kit.sides import NASTY

pytestmark = pytest.mark.slow  # real repositories, many times

TRAIN = """\
depth=$(sed -n 's/^depth: //p' params.yaml)
printf 'id\\n1\\n' > out.csv
printf '{"auc": 0.%s, "loss": %s.5, "n": %s}' $depth $depth $depth > metrics.json
"""
FILES = {
    "dvc.yaml": "stages:\n  train:\n    cmd: sh train.sh\n    deps: [train.sh]\n    params: [depth]\n    outs: [out.csv]\n"
    "    metrics: [{metrics.json: {cache: false}}]\n",
    "train.sh": TRAIN,
    "params.yaml": "depth: 3\n",
    "mlgit.yaml": "mlgit: 1\nmetrics:\n  auc: {direction: higher}\n  loss: {direction: lower}\n",
}


@pytest.fixture
def root(tmp_path, cli):
    """A project on `main` that was run and committed."""
    root = repository(tmp_path / "project", FILES)
    return rerun(root, cli)


def rerun(root, cli, depth=3):
    write_tree(root, {"params.yaml": f"depth: {depth}\n"})
    done = cli(root, "run")
    assert done.code == 0, done.said
    commit(root)
    return root


def heading(done):
    return done.out.split("\n")[0]


def short(root, revision):
    return git(root, "rev-parse", revision)[:7]


def test_branch_is_compared_with_the_tip_it_left(root, cli):
    git(root, "switch", "--quiet", "--create", "deeper")
    rerun(root, cli, depth=5)
    done = cli(root, "diff")
    assert (done.code, heading(done)) == (0, f"diff main ({short(root, 'main')}) -> workspace")
    lines = [" ".join(line.split()) for line in done.out.split("\n")]
    assert lines[4:7] == ["auc 0.3 0.5 +0.2 better", "loss 3.5 5.5 +2 worse", "n 3 5 +2 direction not declared"]
    assert "hint: add to mlgit.yaml: metrics: {n: {direction: higher}} (or lower)" in lines


def test_what_the_default_branch_did_since_is_left_out(root, cli):
    git(root, "switch", "--quiet", "--create", "deeper")
    rerun(root, cli, depth=5)
    git(root, "switch", "--quiet", "main")
    rerun(root, cli, depth=7)
    git(root, "switch", "--quiet", "deeper")
    done = cli(root, "diff")
    assert heading(done) == f"diff merge base with main ({short(root, 'main~1')}) -> workspace"
    assert "0.7" not in done.out


def test_changes_on_the_default_branch_are_compared_with_its_commit(root, cli):
    write_tree(root, {"mlgit.yaml": FILES["mlgit.yaml"] + "\n"})
    done = cli(root, "diff")
    assert heading(done) == f"diff HEAD ({short(root, 'HEAD')}) -> workspace"
    assert done.out.split("\n")[2:] == ["no differences: 3 metrics, 1 parameter, 1 file or folder and 1 stage are the same", ""]


def test_clone_of_a_ci_is_compared_with_the_branch_of_the_remote(root, cli, tmp_path):
    git(root, "switch", "--quiet", "--create", "deeper")
    rerun(root, cli, depth=5)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(root), str(clone))
    git(clone, "switch", "--quiet", "--detach")
    git(clone, "symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    done = cli(clone, "diff")
    assert heading(done) == f"diff origin/main ({short(root, 'main')}) -> workspace"
    assert "note: workspace: not there, so compared as recorded: out.csv" in done.out


def test_two_revisions_and_the_word_workspace(root, cli):
    rerun(root, cli, depth=5)
    git(root, "tag", "--annotate", "--message", "x", "v1", "HEAD~1")
    commit_id = git(root, "rev-parse", "HEAD")
    assert heading(cli(root, "diff", "v1", commit_id)) == f"diff v1 ({short(root, 'v1^{}')}) -> {commit_id[:7]}"
    assert heading(cli(root, "diff", "workspace", "HEAD~1")) == f"diff workspace -> HEAD~1 ({short(root, 'HEAD~1')})"
    there, back = (
        cli(root, "diff", "HEAD~1", "--format", "json").json,
        cli(root, "diff", "workspace", "v1", "--format", "json").json,
    )
    assert [row["delta"] for row in there["metrics"]] == [-row["delta"] for row in back["metrics"]]


def test_directions_are_those_of_the_head(root, cli):
    write_tree(root, {"mlgit.yaml": "mlgit: 1\nmetrics:\n  auc: {direction: lower}\n"})
    rerun(root, cli, depth=5)
    write_tree(root, {"mlgit.yaml": FILES["mlgit.yaml"]})
    verdicts = {row["name"]: row["verdict"] for row in cli(root, "diff", "HEAD~1", "HEAD", "--format", "json").json["metrics"]}
    assert verdicts == {"auc": "worse", "loss": "unknown-direction", "n": "unknown-direction"}


def test_formats_and_all(root, cli):
    write_tree(root, {"params.yaml": "depth: 4\n"})
    assert cli(root, "diff", "--format", "md").out.startswith("### diff HEAD \\(")
    found = cli(root, "diff", "--format", "json").json
    assert (found["schema"], found["changed"], found["metrics"], found["head"]["stale"]) == (1, True, [], ["train"])
    assert len(cli(root, "diff", "--format", "json", "--all").json["metrics"]) == 3
    assert " 3" in cli(root, "diff", "--all").out


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["nowhere"], "unknown revision 'nowhere'", "git branch -a"),
        (["main", "-x"], "", "mlgit diff --help"),
        (["main..HEAD"], "'main..HEAD' is a range, not a revision", "mlgit diff BASE HEAD"),
        (["HEAD:params.yaml"], "unknown revision 'HEAD:params.yaml'", "git log"),
    ],
)
def test_what_is_no_revision_is_refused(root, cli, args, message, hint):
    done = cli(root, "diff", *args)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert hint in done.err


def test_without_commits_there_is_nothing_to_compare_with(tmp_path, cli):
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".dvc").mkdir()
    done = cli(tmp_path, "diff")
    assert (done.code, "no commit yet" in done.err) == (2, True)


def test_history_without_a_common_commit_says_how_to_complete_it(root, cli):
    git(root, "switch", "--quiet", "--orphan", "other")
    write_tree(root, {"dvc.yaml": "", "x": ""})
    commit(root)
    done = cli(root, "diff")
    assert done.code == 2
    assert "HEAD and main have no common commit here" in done.err
    assert "git fetch --unshallow" in done.err


def test_nothing_in_common_is_no_success(root, cli):
    first = git(root, "rev-list", "--max-parents=0", "HEAD")
    done = cli(root, "diff", first)
    assert done.code == 2
    assert "auc" in done.out
    assert f"nothing was compared: no stage, metric, parameter or data in {first[:7]}" in done.err
    assert cli(root, "diff", first, "--format", "json").json["compared"] == {
        "metrics": 0,
        "parameters": 0,
        "data": 0,
        "stages": 0,
    }


def test_only_unreadable_metrics_in_common_is_no_success(tmp_path, cli):
    root = repository(tmp_path / "project", {"dvc.yaml": "metrics: [m.json]\n", "m.json": "{"})
    done = cli(root, "diff", "HEAD")
    assert done.code == 2
    assert "m.json: line 1" in done.out
    assert "have no metric, parameter, data or stage in common that could be read" in done.err


def test_cached_metric_that_was_not_fetched_is_told_and_the_rest_compared(tmp_path, cli):
    root = repository(
        tmp_path / "project", {**FILES, "dvc.yaml": FILES["dvc.yaml"].replace("{metrics.json: {cache: false}}", "metrics.json")}
    )
    rerun(root, cli)
    rerun(root, cli, depth=5)
    shutil.rmtree(root / ".dvc" / "cache")
    done = cli(root, "diff", "HEAD~1")
    assert done.code == 0
    assert f"note: HEAD~1 ({short(root, 'HEAD~1')}): metrics.json: not in the cache" in done.out
    assert "hint: --pull fetches it, as does `dvc fetch --all-commits metrics.json`" in done.out
    assert re.search(r"auc +0\.5 +not compared", done.out)
    assert "depth" in done.out


def test_large_file_that_this_clone_lacks_does_not_stop_the_comparison(root, cli):
    write_tree(root, {"notes/big.txt": "big"})
    commit(root)
    rerun(root, cli, depth=5)
    lose(root, "HEAD:notes/big.txt")
    done = cli(root, "diff", "HEAD~1", "HEAD")
    assert (done.code, "better" in done.out) == (0, True), done.said


def test_pipeline_file_that_this_clone_lacks_is_named(root, cli):
    rerun(root, cli, depth=5)
    lose(root, "HEAD~1:dvc.lock")
    done = cli(root, "diff", "HEAD~1", "HEAD")
    assert done.code == 2
    assert "dvc.lock: its content is not in this clone" in done.err


def lose(root, blob):
    """Remove an object from the repository, as a partial clone lacks it."""
    oid = git(root, "rev-parse", blob)
    (root / ".git/objects" / oid[:2] / oid[2:]).unlink()


def test_project_in_a_subfolder_works_from_below_it(tmp_path, cli):
    mono = repository(tmp_path / "mono")
    inner = mono / "team" / "project"
    shutil.copytree(mono / ".dvc", inner / ".dvc")
    write_tree(inner, FILES)
    rerun(inner, cli)
    write_tree(inner, {"params.yaml": "depth: 4\n", "deep/er/x": ""})
    done = cli(inner / "deep" / "er", "diff", "--format", "json")
    assert [(row["file"], row["old"], row["new"]) for row in done.json["parameters"]] == [("params.yaml", 3, 4)]


def test_hostile_texts_reach_no_terminal_and_no_markdown(tmp_path, cli):
    name = NASTY.replace("\n", "\\n").replace("\x1b", "\\e").replace('"', "").replace("\u202e", "\\u202e")
    root = repository(tmp_path / "project", {"dvc.yaml": "metrics: [m.yaml]\n", "m.yaml": f'"{name}": 1\n"text": "{name}"\n'})
    write_tree(root, {"m.yaml": f'"{name}": 2\n"text": "x"\n', "params.yaml": f'"{name}": "{name}"\n'})
    shown = cli(root, "diff")
    assert shown.code == 0, shown.said
    assert "\x1b" not in shown.out
    assert "\\x1b[31m\\n@everyone" in shown.out
    marked = cli(root, "diff", "--format", "md").out
    assert not any(bad in marked for bad in ("<script>", "@everyone", "\x1b", "\u202e", "](http", "`c`"))


def test_worktree_and_index_are_untouched(root, cli):
    write_tree(root, {"params.yaml": "depth: 4\n", "new.txt": ""})
    git(root, "status", "--porcelain")  # git itself looks at the times in the index
    before = (states(root), git(root, "status", "--porcelain"))
    assert cli(root, "diff").code == 0
    assert (states(root), git(root, "status", "--porcelain")) == before


def states(root):
    """The stat of every file but the disposable ones below .dvc/tmp, the index among them."""
    found = {}
    for folder, _, names in os.walk(root):
        if not folder.startswith(str(root / ".dvc" / "tmp")):
            found |= {f"{folder}/{name}": os.stat(f"{folder}/{name}")[6:9] for name in names}
    return {path: (size, mtime) for path, (size, _, mtime) in found.items()}


def test_colour_on_a_terminal_only(root, cli):
    rerun(root, cli, depth=5)
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    assert "\x1b[32mbetter\x1b[0m" in on_terminal(root, environment)
    assert "\x1b" not in on_terminal(root, {**environment, "NO_COLOR": "1"})
    assert "\x1b" not in mlgit(root, "diff", "HEAD~1", env={"NO_COLOR": "", "TERM": "xterm"}).out


def on_terminal(root, environment):
    terminal, end = pty.openpty()
    argv = [sys.executable, "-m", "mlgit", "diff", "HEAD~1"]
    with subprocess.Popen(argv, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=end, stderr=end) as child:
        os.close(end)
        said = b""
        while chunk := _read(terminal):
            said += chunk
    os.close(terminal)
    assert child.returncode == 0, said
    return said.decode()


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux tells so of the end
        return b""


def test_help_has_examples(root, cli):
    done = cli(root, "diff", "--help")
    assert "mlgit diff v1.0.0 main" in " ".join(done.out.split())


@pytest.mark.slow
def test_values_are_those_that_dvc_reports(root, cli):
    more = {
        "dvc.yaml": FILES["dvc.yaml"] + "metrics: [more.toml]\nparams: [other.json]\n",
        "more.toml": "x = 1.5\n[deep]\ny = 2\nname = 'a'\nflag = true\n",
        "other.json": '{"lr": 0.1, "list": [1, 2], "gone": null, "b": {"c": 3}}',
    }
    write_tree(root, more)
    rerun(root, cli)
    write_tree(root, {"more.toml": "z = 1\n[deep]\ny = 3\nname = 'b'\nflag = true\n"})
    write_tree(root, {"other.json": '{"lr": 0.2, "list": [1, 3], "b": {"c": 3, "d": 4}}'})
    rerun(root, cli, depth=5)
    for sides in (("HEAD~1", "HEAD"), ("HEAD~1",)):
        ours = cli(root, "diff", *sides, "--format", "json").json
        theirs = dvc(root, "metrics", "diff", "--json", *sides).json
        assert {(row["file"], row["name"]): _without_none(row, "base", "head", "delta") for row in ours["metrics"]} == {
            (file, name): {key: value for key, value in row.items() if value is not None}
            for file, rows in theirs.items()
            for name, row in rows.items()
        }
        theirs = dvc(root, "params", "diff", "--json", *sides).json
        found = {(row["file"], row["key"]): (_as_dvc(row["old"]), _as_dvc(row["new"])) for row in ours["parameters"]}
        expected = {(file, key): (row["old"], row["new"]) for file, rows in theirs.items() for key, row in rows.items()}
        assert {key: value for key, value in found.items() if value != (None, None)} == expected


def _without_none(row, *keys):
    words = {"base": "old", "head": "new", "delta": "diff"}
    return {words[key]: row[key] for key in keys if row[key] is not None}


def _as_dvc(value):
    return str(value) if isinstance(value, list) else value


ROWS = "id,x,place\n" + "".join(f"{row},{row % 10},EU\n" for row in range(100))
FAR = "id,x,place\n" + "".join(f"{row},{row % 10 + 20},{'a|b' if row % 2 else 'EU'}\n" for row in range(130))
TABLES = FILES | {"train.sh": "cat in.csv > out.csv\n" + TRAIN.replace("printf 'id\\n1\\n' > out.csv\n", ""), "in.csv": ROWS}
ID = "models: {m: {id: id, predictions: out.csv}}\n"


def test_data_that_moved_is_told_with_its_columns(tmp_path, cli):
    pipeline = FILES["dvc.yaml"].replace("deps: [train.sh]", "deps: [train.sh, in.csv]")
    root = rerun(repository(tmp_path / "p", TABLES | {"dvc.yaml": pipeline, "mlgit.yaml": FILES["mlgit.yaml"] + ID}), cli)
    write_tree(root, {"in.csv": FAR, "params.yaml": "depth: 4\n"})
    assert cli(root, "run").code == 0
    found, source = json.loads(cli(root, "diff", "--format", "json").out)["tables"]
    assert (source["path"], source["moved"]) == ("in.csv", found["moved"])
    assert (found["path"], found["rows_before"], found["rows_now"], found["reason"]) == ("out.csv", 100, 130, "")
    assert [(row["column"], row["index"] > 1) for row in found["moved"]] == [("x", True), ("place", True)]
    text = cli(root, "diff").out
    assert "out.csv  moved (index): x " in text
    assert ["metrics", "differs", "upstream", "stage"] in [line.split() for line in text.splitlines()]
    assert [line.split() for line in text.splitlines() if "data changed: in.csv" in line] == [
        ["data", "changed:", "in.csv", "train"]
    ]
    assert "| out.csv | moved" in cli(root, "diff", "--format", "md").out


def test_tables_of_few_rows_and_those_that_are_no_tables_tell_so(tmp_path, cli):
    root = rerun(repository(tmp_path / "p", TABLES), cli)
    for content, said in (("id\n1\n", "too few rows (1)"), (b"\x89PNG\0", "not a text file")):
        write_tree(root, {"in.csv": content, "train.sh": TABLES["train.sh"] + f"# {said}\n"})
        assert cli(root, "run").code == 0
        assert said in cli(root, "diff").out


LOADED = """\
import sys
from mlgit.cli import error_boundary
code = error_boundary.run(["diff"])
print(code, sorted({"numpy", "pandas", "scipy"} & sys.modules.keys()))
"""


def test_without_tables_that_differ_no_slow_library_is_loaded(root, cli):
    write_tree(root, {"params.yaml": "depth: 4\n"})
    assert cli(root, "run").code == 0
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_two_names_of_one_commit_are_told_as_they_were_given(root, cli):
    found = json.loads(cli(root, "diff", "main", "HEAD", "--format", "json").out)
    assert (found["base"]["name"], found["head"]["name"]) == ("main", "HEAD")


def test_rows_of_one_side_are_not_told_of_a_table_that_cannot_be_read_on_the_other(root, cli):
    packed = gzip.compress(b"x,y\n" + b"1,2\n" * 40)
    write_tree(root, {"data.csv.gz": packed})
    dvc(root, "add", "data.csv.gz")
    commit(root)
    write_tree(root, {"data.csv.gz": packed[:-9]})
    row = next(row for row in cli(root, "diff", "HEAD").out.split("\n") if "data.csv.gz" in row)
    assert "changed" in row
    assert "40 rows" not in row
