"""Paths named twice or in another spelling, and what a stage may say: mlgit takes, records and refuses what DVC does."""

from __future__ import annotations

import random

import pytest

from tests.conftest import FULL
from tests.kit import lock, repository, write_tree
from tests.pipeline.differential import differences, run_dvc, run_mlgit, tree

FILES = {
    "f": "f\n",
    "d/x": "x\n",
    "sub/k": "k\n",
    "params.yaml": "a: 1\nb: {c: 2}\n",
    "my.yaml": "a: 1\nb: 2\n",
    "aa.yaml": "a: 3\n",
    "sub/params.yaml": "z: 3\n",
}

# Each is the body of a stage with the output {o}; {root} is the project's folder.
TAKEN = (
    "deps: [f, f]",
    "deps: [f, ./f]",
    "deps: [d/../f, f, ./d/.././f]",
    "deps: [d, d/, ./d/., d/x, d//x]",
    "deps: ['{root}/f', f]",
    "deps: [params.yaml], params: [a]",
    "deps: [./params.yaml, params.yaml], params: [a, a, b.c, {params.yaml: [a]}]",
    "deps: [my.yaml], params: [{my.yaml: }]",
    "params: [{./my.yaml: [a]}]",
    "params: [{'{root}/my.yaml': [a]}]",
    "params: [{./my.yaml: [b], aa.yaml: [a]}, {d/../my.yaml: [a]}, {my.yaml: [b]}]",
    "params: [a, {./params.yaml: [b]}]",
    "params: [{./params.yaml: [b]}, {my.yaml: [a]}, {aa.yaml: [a]}]",
    "params: [{./my.yaml: }, {my.yaml: [b]}]",
    "params: [{my.yaml: [a]}, {my.yaml: }]",
    "params: [{'': [a]}]",
    "wdir: sub, params: [z, {../my.yaml: [a]}, {../sub/params.yaml: [z]}]",
    "wdir: ./sub/, deps: [../f, ./k, '{root}/sub/k']",
    "wdir: '{root}/sub', deps: [k], params: [{'{root}/my.yaml': [a]}]",
    "wdir: '', deps: [f]",
    "wdir: sub/.., deps: [f]",
    "frozen: false, deps: [./f, f]",
    "always_changed: true, deps: [f, f]",
)
OUTPUTS = (
    "outs: [./{o}]",
    "outs: [{o}, {o}]",
    "outs: [d/../{o}, {d/../{o}: {push: false}}]",
    "outs: ['{root}/{o}']",
    "metrics: [{o}, {{o}: {cache: false}}]",
    "plots: [{./{o}: {cache: false}}]",
)


def project(folder, stages):
    root = repository(folder)
    write_tree(root, {**FILES, "dvc.yaml": stages.replace("{root}", str(root))})
    return root


def bodies(rows):
    lines = [f"  s{number}: {{cmd: date +%Y > {name}, {row}}}" for number, (name, row) in enumerate(rows)]
    return "\n".join(["stages:", *lines, ""])


def taken():
    found = []
    for number, row in enumerate(TAKEN):
        found.append((f"o{number}", f"{row}, outs: [o{number}]"))
    for number, row in enumerate(OUTPUTS):
        found.append((f"p{number}", f"deps: [f], {row.replace('{o}', f'p{number}')}"))
    return bodies(found)


def both(folder, stages):
    return [project(folder / name, stages) for name in ("ours", "theirs")]


def check(ours, theirs):
    ran, reproduced = run_mlgit(ours, "run", "-j1"), run_dvc(theirs, "repro", "--quiet")
    assert (ran.code, reproduced.code) == (0, 0), f"{ran.out}\n{reproduced.out}"
    assert differences(ours, theirs).keys() <= {"dvc.yaml"}  # the project's folder stands in it


@pytest.mark.slow
def test_paths_in_any_spelling_are_recorded_as_dvc_records_them(tmp_path):
    ours, theirs = both(tmp_path, taken())
    check(ours, theirs)
    if FULL:
        for root in (ours, theirs):
            write_tree(root, {"f": "other\n", "my.yaml": "a: 5\nb: 6\n"})
        check(ours, theirs)
    for root in (ours, theirs):  # what only the other spelling has cannot be recorded, and stays changed as it does for DVC
        rows = run_mlgit(root, "status", "--json").json["stages"]
        assert {row["name"] for row in rows if row["status"] == "stale"} == {"s10", "s11", "s13", "s22"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40 if FULL else 1))
def test_drawn_spellings_are_recorded_as_dvc_records_them(tmp_path, seed):
    rng = random.Random(seed)
    around = ("{}", "./{}", "d/../{}", "././/{}", "'{{root}}/{}'", "sub/../sub/../{}")

    def spelt(*names):
        return [rng.choice(around).format(rng.choice(names)) for _ in range(rng.randint(1, 4))]

    rows = []
    for number in range(12 if FULL else 4):
        read = f"deps: [{', '.join(spelt('f', 'd', 'd/x', 'my.yaml'))}]"
        picked = ", ".join(f"{{{path}: {rng.choice(('[a]', '[b, a]', ''))}}}" for path in spelt("my.yaml", "params.yaml"))
        rows.append((f"o{number}", f"{read}, params: [{picked}], outs: [{rng.choice(around).format(f'o{number}')}]"))
    check(*both(tmp_path, bodies(rows)))


REFUSED = {
    "an output in two spellings": "cmd: echo > o, outs: [o, ./o]",
    "an output in two kinds": "cmd: echo > o, outs: [o], metrics: [d/../o]",
    "an output by its absolute path": "cmd: echo > o, outs: [o, '{root}/o']",
    "a dependency that is an output": "cmd: echo > f, deps: [./f], outs: [d/../f]",
    "a parameter file that is an output": "cmd: echo > my.yaml, params: [{my.yaml: [a]}], outs: [./my.yaml]",
    "a dependency in an output": "cmd: echo > d/y, deps: [./d/x], outs: [d/]",
    "an output in a dependency": "cmd: echo > d/y, deps: [sub/../d], outs: ['{root}/d/y']",
    "templating for frozen": "cmd: echo, frozen: '${t}'",
    "templating for always_changed": "cmd: echo, always_changed: '${t}'",
    "templating for persist": "cmd: echo > o, outs: [{o: {persist: '${t}'}}]",
    "templating for cache": "cmd: echo > m, metrics: [{m: {cache: '${t}'}}]",
    "templating for push": "cmd: echo > o, plots: [{o: {push: '${t}'}}]",
    "templating for a list": "cmd: echo, deps: '${t}'",
    "a number for a path": "cmd: echo, deps: ['${n}']",
    "a number for a parameter file": "cmd: echo, params: [{'${n}': [a]}]",
    "a number for a parameter": "cmd: echo, params: ['${n}']",
    "a text for parameters": "cmd: echo, params: [{my.yaml: a}]",
    "a list of settings for a plot": "cmd: echo > o, plots: [{o: [{x: a}]}]",
    "labels that are numbers": "cmd: echo > o, outs: [{o: {labels: [1]}}]",
    "an empty path": "cmd: echo, deps: ['']",
    "an empty command with an input": "cmd: '', deps: [f]",
    "an empty list of commands with an output": "cmd: [], outs: [o]",
    "an empty command that always runs": "cmd: '', always_changed: true",
    "a number in a list of commands": "cmd: ['${n}'], deps: [f]",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_dvc_refuses_in_a_stage_is_refused_with_its_place(tmp_path, name):
    body = f"vars: [{{t: true, n: 5}}]\nstages:\n  s: {{{REFUSED[name]}}}\n"
    root, other = both(tmp_path, body)
    before = tree(root)
    done = run_mlgit(root, "run")
    assert (done.code, tree(root)) == (2, before), done.out
    assert "dvc.yaml: stage" in done.out
    assert run_dvc(other, "repro").code != 0


COMMANDS = ("''", "[]", "' '", '"\\n"', "['']", "['', 'echo 1']", "'${none}'", "'${no}'", "['${empty}']", '"\\n\\necho 1\\n"')


@pytest.mark.slow
def test_commands_of_nothing_are_taken_as_dvc_takes_them(tmp_path):
    rows = [f"  s{number}: {{cmd: {command}}}\n" for number, command in enumerate(COMMANDS)]
    rows += [f"  r{number}: {{cmd: {command}, deps: [f]}}\n" for number, command in enumerate(COMMANDS) if number in (2, 3, 4)]
    rows += ["  f0: {cmd: '', frozen: true, deps: [f]}\n"]
    ours, theirs = both(tmp_path, f"vars: [{{none: null, no: false, empty: ''}}]\nstages:\n{''.join(rows)}")
    check(ours, theirs)
    assert "s0" not in lock(ours)["stages"]
