"""Parameters of every kind and spelling: picked, recorded, compared and refused as DVC does."""

from __future__ import annotations

import itertools

import pytest

from mlgit.pipeline.params import check, same
from tests.kit import repository, write_tree
from tests.pipeline.differential import differences, run_dvc, run_mlgit, tree

STAGE = "    cmd: date +%Y > {name}\n    deps: [f]\n    params: [{{{file}: {keys}}}]\n    outs: [{name}]\n"

# name of the file, its text, the keys that a stage names ('' for the whole file)
TAKEN = (
    ("nan.yaml", "a: .nan\nb: [.nan, -.inf]\nc: {d: .nan}\n", "[a, b, c]"),
    ("nan.json", '{"a": NaN, "b": [Infinity, -0.0, 1e400]}', ""),
    ("nan.toml", "a = nan\nb = -inf\n", ""),
    ("long.yaml", f"a: {'1' * 400}\nb: -{'9' * 78}\nc: [{'2' * 78}]\n", ""),
    ("long.json", f'{{"a": {"1" * 71}, "b": {"1" * 72}, "c": 1.5e-300}}', ""),
    ("omap.yaml", "a: !!omap [x: 1, y: 2]\nb: [!!omap [z: 3]]\n", ""),
    ("tags.yaml", "a: !!str 5\nb: !!int '5'\nc: !!float 5\nd: !!bool 'true'\ne: !!map {x: 1}\n", ""),
    ("merge.yaml", "x: &x {q: 1}\ny: &y {q: 2, r: 3}\na: {<<: [*x, *y], s: 4}\n", "[a]"),
    ("words.yaml", "a: yes\nb: 012\nc: 0o12\nd: 1_000\ne: 12:30:45\nf: ~\ng: -0.0\nh: '2020-01-01'\n", ""),
    ("whole.yaml", "a: 1\n", ""),
    ("empty.yaml", "# nothing\n", ""),
    ("empty.toml", "", ""),
    ("empty.py", "", ""),
    ("null.json", "null", ""),
    ("list.yaml", "- x\n- y\n", "['0', '-1', '01']"),
    ("keys.yaml", "a: {1: x, b-c: [p, q]}\n'': 3\nd e: 1\n", "[a.1, a.b-c.0, a.b-c.-2, a.b-c.01, .a.b-c, d e]"),
    ("all.yaml", "a: {b: 1}\n'': 3\n", "[a.b, '']"),
    ("bool.yaml", "a: {true: x, no: y}\n", "[a.True, a.1, a.no]"),
    ("date.toml", "a = 1\nd = 2020-01-01\n", "[a]"),
    ("set.py", "a = (1, 2)\nb = {1, 2}\nc = None\nclass D:\n    e = -1\n", "[a, c, D]"),
)


def build(folder, stages, files):
    root = repository(folder)
    lines = (f"  s{number}:\n{stage}" for number, stage in enumerate(stages))
    write_tree(root, {"f": "f\n", **files, "dvc.yaml": "stages:\n" + "".join(lines)})
    return root


@pytest.mark.slow
def test_parameters_of_every_kind_are_recorded_as_dvc_records_them_and_stay_up_to_date(tmp_path):
    stages = [STAGE.format(name=f"o{n}", file=file, keys=keys) for n, (file, _, keys) in enumerate(TAKEN)]
    files = {file: text for file, text, _ in TAKEN}
    ours, theirs = (build(tmp_path / name, stages, files) for name in ("ours", "theirs"))
    ran, reproduced = run_mlgit(ours, "run", "-j1"), run_dvc(theirs, "repro")
    assert (ran.code, reproduced.code) == (0, 0), f"{ran.out}\n{reproduced.out}"
    assert differences(ours, theirs) == {}
    for root in (ours, ours, theirs, theirs):
        assert run_mlgit(root, "status").code == 0
    assert run_mlgit(ours, "run").code == 0
    assert differences(ours, theirs) == {}


REFUSED = {
    "a date": ("my.yaml", "a: 2020-01-01\n", "[a]"),
    "a date in a list": ("my.yaml", "a: [[x, 2020-01-01]]\n", "[a]"),
    "a set": ("my.yaml", "a: !!set {x}\n", ""),
    "bytes": ("my.yaml", "a: !!binary aGVsbG8=\n", "[a]"),
    "numbers and words as names": ("my.yaml", "a: {1: x, y: z}\n", "[a]"),
    "a number as a name": ("my.yaml", "1: x\n", ""),
    "null as a name": ("my.yaml", "null: x\n", ""),
    "a date beside, in the file of templating": ("params.yaml", "a: 1\nb: {c: [2020-01-01]}\n", "[a]"),
    "a value that holds itself": ("my.yaml", "a: &a [*a]\nb: 1\n", "[b]"),
    "a value that holds itself, as a whole": ("my.yaml", "a: &a {b: [*a]}\n", ""),
    "a value in hundreds of lists": ("my.json", f'{{"a": {"[" * 900}{"]" * 900}}}', "[a]"),
    "a list in the file of templating": ("params.yaml", "- a\n", "['0']"),
    "a list as a whole": ("my.yaml", "- a\n", ""),
    "a word as a whole": ("my.json", '"a"', ""),
    "an empty JSON file": ("my.json", "", ""),
    "an item that is not there": ("my.yaml", "a: [x]\n", "[a.1]"),
    "a digit that is no number": ("my.yaml", "a: [x]\n", "[a.²]"),
    "a letter of a text": ("my.yaml", "a: text\n", "[a.0]"),
    "null as a part of a name": ("my.yaml", "a: {null: x}\n", "[a.None]"),
    "a name for two values": ("my.yaml", "a: {1: x, '1': y}\n", "[a.1]"),
    "a name with an end of nothing": ("my.yaml", "a: {b: 1}\n", "['a.']"),
    "a key twice": ("my.yaml", "a: 1\na: 2\n", "[a]"),
    "a date of TOML": ("my.toml", "a = 2020-01-01\n", "[a]"),
    "a set of Python": ("my.py", "a = {1, 2}\n", "[a]"),
    "a list as a key of Python": ("my.py", "a = 1\nd = {[1]: 2}\n", "[a]"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_parameter_that_dvc_refuses_is_refused_with_its_file(tmp_path, name):
    file, text, keys = REFUSED[name]
    stages = [STAGE.format(name="o", file=file, keys=keys)]
    ours, theirs = (build(tmp_path / each, stages, {file: text}) for each in ("ours", "theirs"))
    before = tree(ours)
    done = run_mlgit(ours, "run")
    assert (done.code, tree(ours)) == (2, before), done.out
    assert file in done.out
    assert run_dvc(theirs, "repro").code != 0


EQUAL = (1, 1.0, True, 0, -0.0, False, None, "1", float("nan"), [1], [True], (1,), [float("nan")], {"a": 1}, {"a": True}, {})


def test_values_are_equal_as_dvc_sees_it_and_nan_is_nan():
    for one, other in itertools.product(EQUAL, EQUAL):
        plain = [list(value) if isinstance(value, tuple) else value for value in (one, other)]
        is_nan = "nan" in str(one) and str(one) == str(other)
        assert same(one, other) is (is_nan or plain[0] == plain[1]), (one, other)


@pytest.mark.parametrize("text", ["a: .nan\n", "a: {b: [.nan, 1]}\n", "a: -0.0\n", "a: [[.nan]]\n"])
def test_status_of_odd_numbers_is_the_same_every_time(tmp_path, text):
    root = build(tmp_path / "p", [STAGE.format(name="o", file="params.yaml", keys="[a]")], {"params.yaml": text})
    assert run_mlgit(root, "status").code == 1
    assert [run_mlgit(root, *words).code for words in (["run"], ["status"], ["run"], ["status"])] == [0] * 4
    (root / "params.yaml").write_text(text + "z: 1\n")
    assert [run_mlgit(root, *words).code for words in (["status"], ["run"], ["status"])] == [0] * 3
    (root / "params.yaml").write_text("a: 5\n")
    assert run_mlgit(root, "status").code == 1


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: 1\nb: &b {c: *b}\n", f"a: {'[' * 400}{']' * 400}\n"])
def test_value_without_an_end_is_refused_by_every_command(tmp_path, cli, text):
    root = build(tmp_path / "p", [STAGE.format(name="o", file="my.yaml", keys="[a]")], {"my.yaml": text})
    for words in (["run"], ["status"], ["status", "--json"], ["run", "--dry-run"]):
        assert cli(root, *words).code == 2


def test_aliases_that_stand_for_millions_of_values_are_looked_at_once():
    document = []
    for _ in range(60):
        document = [document, document]
    check({"a": document}, name="p.yaml", templated=True)
