"""Completion in the shells themselves: after TAB, the same shell reads on the line the name that was meant."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit import FULL, git, repository, write_tree
from tests.kit.interactive import SHELLS, Interactive

pytestmark = pytest.mark.slow

HOSTILE = 'it\'s $(touch hacked) "x".csv'
FOLDS = ["a b", "c:d", "it's", "$x", 'q"', "back\\s", "st*r", "#h", "é"]
FILES = {
    "dvc.yaml": f"stages:\n  train: {{cmd: echo 1}}\n  fold: {{foreach: {FOLDS!r}, do: {{cmd: echo 3}}}}\n",
    "sub/dvc.yaml": "stages:\n  inner: {cmd: echo 1}\n",
    "params.yaml": "train:\n  C: 1.0\n",
    "mlgit.yaml": "mlgit: 1\nenvironments: [{name: prod}, {name: staging}]\n",
    **dict.fromkeys((HOSTILE, "data/a b/c d.csv", "-dash.csv", "co:lon.csv", "eq=ual.csv", "~odd.csv", "#hash.csv"), "1\n"),
    **dict.fromkeys(("[z].csv", "{b}.csv", "`tick.csv", "pa(ren).csv", "w;b&c|d<e>f.csv", "!bang.csv", "new\nline.csv"), "1\n"),
}
TAGS = ("churn@v1.0.0", "churn@v1.2.0", "churn#prod#1", "nlp/text@v0.1.0", "models/x=tumor@v0.1.0")

# What is typed behind `mlgit `, and the words that the line then has.
LINES = [
    ("sta", ["status"]),
    ("run fold@a", ["run", "fold@a b"]),
    ("run fold@c:", ["run", "fold@c:d"]),
    ("run 'fold@$", ["run", "fold@$x"]),
    ("run --follow=tr", ["run", "--follow=train"]),
    ("run --set train.", ["run", "--set", "train.C="]),
    ("add -- -d", ["add", "--", "-dash.csv"]),
    ("add it\\'s\\ ", ["add", HOSTILE]),
    ('add "it', ["add", HOSTILE]),
    ("add \\#", ["add", "#hash.csv"]),
    ("model history nl", ["model", "history", "nlp/text"]),
    ("model get churn@v1.2", ["model", "get", "churn@v1.2.0"]),
    ("model promote churn@v1.2.0 pr", ["model", "promote", "churn@v1.2.0", "prod"]),
]
MORE = [
    *(
        (f"run fold@{begun}", ["run", f"fold@{name}"])
        for begun, name in zip(["i", "\\$", "q", "b", "s", "\\#", "é"], FOLDS[2:], strict=True)
    ),
    ("gate --la", ["gate", "--label"]),
    ("run -- tr", ["run", "--", "train"]),
    ("run sub/dvc.yaml:i", ["run", "sub/dvc.yaml:inner"]),
    ("--color never run tr", ["--color", "never", "run", "train"]),
    ("run --executor d", ["run", "--executor", "dask"]),
    ("gate --format=j", ["gate", "--format=json"]),
    ("gate su", ["gate", "suggest"]),
    ("add data/a", ["add", "data/a b/"]),
    ("add 'data/a b/", ["add", "data/a b/c d.csv"]),
    ("add co", ["add", "co:lon.csv"]),
    ("add eq=", ["add", "eq=ual.csv"]),
    ("add 'it", ["add", HOSTILE]),
    ("add \\~", ["add", "~odd.csv"]),
    ("add ./-d", ["add", "./-dash.csv"]),
    ("add pa", ["add", "pa(ren).csv"]),
    ("add w", ["add", "w;b&c|d<e>f.csv"]),
    ("add \\`", ["add", "`tick.csv"]),
    ("add \\[", ["add", "[z].csv"]),
    ("add \\{", ["add", "{b}.csv"]),
    ("add \\!", ["add", "!bang.csv"]),
    ("add new", ["add", "new"]),
    ("model get churn#", ["model", "get", "churn#prod"]),
    ("model history models/x:", ["model", "history", "models/x:tumor"]),
    ("completion z", ["completion", "zsh"]),
    ("nothing ", ["nothing"]),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("shells") / "p", FILES)
    for tag in TAGS:
        git(folder, "tag", tag)
    return folder


@pytest.fixture(scope="module")
def started(root: Path) -> Iterator[Callable[[str], Interactive]]:
    shells = dict[str, Interactive]()

    def start(name: str) -> Interactive:
        if not shutil.which(name):
            pytest.skip(f"there is no {name} on this machine")
        if name not in shells:
            shells[name] = Interactive(name, root, work=root.parent)
        return shells[name]

    yield start
    for each in shells.values():
        each.end()


@pytest.fixture(params=SHELLS)
def shell(request, started, root):
    found = started(request.param)
    yield found
    found.type(f"cd {root}")


@pytest.mark.parametrize(("typed", "words"), LINES + (MORE if FULL else []))
def test_line_after_tab_has_the_name_that_was_meant(shell, root, typed, words):
    line = shell.complete(f"mlgit {typed}")
    closed = line + (typed[-1] if typed.endswith("'") else "")
    assert shell.words(closed.removeprefix("mlgit ")) == words
    assert not (root / "hacked").exists()


def test_stage_of_a_folder_below_is_known_by_its_short_name_there(shell, root):
    shell.type(f"cd {root}/sub")
    assert shell.complete("mlgit run inn") == "mlgit run inner "


def test_commands_are_known_where_there_is_no_project(shell, tmp_path):
    shell.type(f"cd {write_tree(tmp_path / 'plain', {'file.csv': '1'})}")
    assert shell.complete("mlgit mod") == "mlgit model "
    assert shell.complete("mlgit run fi") == "mlgit run file.csv "
    assert shell.complete("mlgit model promote churn ") == "mlgit model promote churn "


def test_program_may_be_named_by_its_path_from_home(shell, root, tmp_path):
    shell.type(f"export HOME={root.parent}")
    assert shell.complete("~/bin/mlgit run tr") == "~/bin/mlgit run train "


def test_line_may_begin_with_another_command(shell):
    assert shell.complete("true; A=1 mlgit run tr") == "true; A=1 mlgit run train "


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_several_ways_are_listed_with_what_they_do(started, name):
    assert started(name).shows("mlgit p", "Publish data, commits and tags")
    assert started(name).shows("mlgit push --", "Say what would be sent")


def test_zsh_finds_the_script_in_a_folder_of_its_path(started, root, tmp_path):
    shell = started("zsh")
    shell.type(f"mkdir {tmp_path}/f && mlgit completion zsh >{tmp_path}/f/_mlgit")
    shell.type(f"fpath=({tmp_path}/f $fpath); unfunction _mlgit; compinit -u -D")
    assert shell.complete("mlgit run tr") == "mlgit run train "
    assert shell.complete("mlgit run tr") == "mlgit run train "
