"""Templating is DVC's own, and whatever its resolver does not expect is told with its file and key."""

from __future__ import annotations

import posixpath
import random
from contextlib import suppress

import pytest

from mlgit.adapters.dvc import internals, templating
from mlgit.adapters.formats import documents
from mlgit.errors import MlgitError
from mlgit.pipeline.load import load
from tests.conftest import FULL
from tests.kit import repository, write_tree
from tests.pipeline.differential import differences, run_dvc, run_mlgit, tree

PARAMS = "n: 5\nl: [a, b]\nm: {k: v}\ns: text\nnone: null\nempty: []\n"
STAGE = "stages:\n  s: {cmd: 'echo ${n}'}\n"

# name -> the files that are different, and words of the message
REFUSED = {
    "a date beside": ({"params.yaml": "n: 1\nd: 2020-01-01\n"}, "params.yaml: d: a date"),
    "a date far below": ({"params.yaml": "n: 1\na: {b: [x, {c: 2020-01-01}]}\n"}, "params.yaml: a.b.1.c: a date"),
    "a time": ({"params.yaml": "n: 1\nt: 2020-01-01T00:00:00Z\n"}, "params.yaml: t: a datetime"),
    "a set": ({"params.yaml": "n: 1\nd: !!set {a}\n"}, "params.yaml: d: a set"),
    "a list for parameters": ({"params.yaml": "- 1\n"}, "params.yaml"),
    "a list that holds itself": (
        {"params.yaml": "n: 1\na: &x [*x]\n"},
        "dvc.yaml: DVC cannot resolve it: a value holds itself",
    ),
    "a date in vars": ({"dvc.yaml": f"vars: [{{d: 2020-01-01}}]\n{STAGE}"}, "dvc.yaml: vars[0].d: a date"),
    "a date in a file of vars": ({"dvc.yaml": f"vars: [v.toml]\n{STAGE}", "v.toml": "d = 2020-01-01\n"}, "v.toml: d: a date"),
    "a tuple of Python": ({"dvc.yaml": f"vars: [v.py]\n{STAGE}", "v.py": "t = (1, 2)\n"}, "v.py: t: a tuple"),
    "a number in a class": ({"dvc.yaml": f"vars: [v.py]\n{STAGE}", "v.py": "class A:\n    b = 1j\n"}, "v.py: A.b: a complex"),
    "a date in the vars of a stage": (
        {"dvc.yaml": "stages:\n  s: {vars: [{d: 2020-01-01}], cmd: 'echo ${d}'}\n"},
        "dvc.yaml: s.vars[0].d: a date",
    ),
    "a date in foreach": (
        {"dvc.yaml": "stages:\n  s: {foreach: [2020-01-01], do: {cmd: 'echo ${item}'}}\n"},
        "dvc.yaml: stages.s: item: a date",
    ),
    "a date in a matrix": ({"dvc.yaml": "stages:\n  s: {matrix: {a: [2020-01-01]}, cmd: echo}\n"}, "dvc.yaml: stages.s: "),
    "a matrix over a number": ({"dvc.yaml": "stages:\n  s: {matrix: {a: '${n}'}, cmd: echo}\n"}, "dvc.yaml: stages.s: "),
    "a matrix over nothing": ({"dvc.yaml": "stages:\n  s: {matrix: {a: '${none}'}, cmd: echo}\n"}, "dvc.yaml: stages.s: "),
    "foreach over a word": ({"dvc.yaml": "stages:\n  s: {foreach: '${s}', do: {cmd: echo}}\n"}, "stages.s.foreach"),
    "an empty name of foreach": ({"dvc.yaml": "stages:\n  s: {foreach: [''], do: {cmd: echo}}\n"}, "dvc.yaml: stages.s: "),
    "an unknown name in artifacts": ({"dvc.yaml": f"artifacts: {{m: {{path: '${{no}}'}}}}\n{STAGE}"}, "artifacts.m"),
    "an unknown name in metrics": ({"dvc.yaml": f"metrics: ['${{no}}']\n{STAGE}"}, "metrics.0"),
    "a meta that holds itself": ({"dvc.yaml": "stages:\n  s: {cmd: 'echo ${n}', meta: &x {a: *x}}\n"}, "dvc.yaml: stages.s: "),
    "half of a character as a stage": (
        {"dvc.yaml": 'stages: {s: {foreach: ["\\ud800"], do: {cmd: echo}}}\n'},
        "dvc.yaml: stages: ",
    ),
    "half of a character as an output": (
        {"dvc.yaml": 'stages: {s: {cmd: echo, outs: ["\\ud800"]}}\n'},
        "dvc.yaml: stages.s.outs",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_dvc_cannot_resolve_is_refused_with_its_file_and_key(tmp_path, name):
    changes, words = REFUSED[name]
    ours, theirs = (
        write_tree(repository(tmp_path / each), {"params.yaml": PARAMS, "dvc.yaml": STAGE, **changes}) for each in ("a", "b")
    )
    before = tree(ours)
    done = run_mlgit(ours, "run")
    assert (done.code, tree(ours)) == (2, before), done.out
    assert words in done.out
    assert run_mlgit(ours, "dag").out == done.out
    assert run_dvc(theirs, "repro").code != 0


TAKEN = """\
vars: ['v.py:q', v.yaml, ./v.yaml, {1: a, m: {z: w}}]
stages:
  number-keys: {foreach: {1: a, 2: b}, do: {cmd: 'echo ${key} ${item}', deps: [f]}}
  mixed-keys: {foreach: {1: a, x: b, null: c}, do: {cmd: 'echo ${key} ${item}', deps: [f]}}
  equals: {foreach: [1, '1', 1.0, true, 'true', null, ' '], do: {cmd: 'echo ${item}', deps: [f]}}
  paths: {foreach: [a/b, ../c, 'd:e'], do: {cmd: 'echo ${item}', deps: [./f, f]}}
  nothing: {foreach: '${empty}', do: {cmd: echo}}
  types: {matrix: {a: [true, null, 1.5, ''], b: '${l}'}, cmd: 'echo ${item.a}', deps: [f]}
  merged: {cmd: 'echo ${m.z} ${m.k} ${l[1]} ${l[-1]} ${m[k]} ${q} ${r} \\${n}', deps: [f]}
  dates: {cmd: 'echo ${m}', deps: [f], meta: {d: 2020-01-01}}
"""


@pytest.mark.slow
def test_what_dvc_resolves_is_run_as_dvc_runs_it(tmp_path):
    files = {"params.yaml": PARAMS, "dvc.yaml": TAKEN, "f": "f\n", "v.py": "q = 1\nt = (1, 2)\n", "v.yaml": "r: 2\n"}
    ours, theirs = (write_tree(repository(tmp_path / each), files) for each in ("a", "b"))
    ran, reproduced = run_mlgit(ours, "run", "-j1"), run_dvc(theirs, "repro", "--quiet")
    assert (ran.code, reproduced.code) == (0, 0), f"{ran.out}\n{reproduced.out}"
    assert differences(ours, theirs) == {}


VALUES = (
    *(
        "1",
        "-0",
        ".nan",
        "1e999",
        "true",
        "null",
        "''",
        "x",
        "'@'",
        "2020-01-01",
        "!!set {a}",
        "!!omap [a: 1]",
        "!!binary aGk=",
    ),
    *("'${n}'", "'${m}'", "'${l}'", "'${no}'", "'${item}'", "'${item.a}'", "'${'", "'${}'", "'${n[0]}'", "[]", "{}", "&a [*a]"),
    *('"\\ud800"', '"\\0"', "..", "../x", "/", "~/x", "s3://b/k", "'http://[bad'", "'a.*'", "'['", ".git", "x.dvc", "dvc.yaml"),
    *("{1: x}", "{null: y}", "{<<: {a: 1}}", "{<<: 5}", "{x: 1, x: 2}", "{? [1, 2] : x}", "!foo x", "'a\nb'", "'²'"),
)
KEYS = (
    "cmd",
    "deps",
    "outs",
    "params",
    "metrics",
    "plots",
    "wdir",
    "frozen",
    "meta",
    "vars",
    "matrix",
    "foreach",
    "do",
    "path",
)


def drawn(rng, depth=0):
    kind = rng.random()
    if depth > 2 or kind < 0.6:
        return rng.choice(VALUES)
    items = [drawn(rng, depth + 1) for _ in range(rng.randint(0, 2))]
    if kind < 0.8:
        return f"[{', '.join(items)}]"
    return "{" + ", ".join(f"{key}: {item}" for key, item in zip(rng.sample(KEYS, len(items)), items, strict=True)) + "}"


class Texts:
    """Pipeline files from a mapping of texts."""

    def __init__(self, root, texts):
        self.root, self.texts, self.text, self.dumps = root, texts, texts.get, internals.dumps

    def pipeline_files(self):
        return [path for path in self.texts if path.endswith(("dvc.yaml", ".dvc"))]

    def document(self, path):
        return documents.parse(self.texts[path], name=path) if path in self.texts else {}

    def resolve(self, path, document):
        return templating.resolve(document, folder=posixpath.dirname(path), text=self.text, options={})


def jumbled(rng):
    stage = {"cmd": "'echo ${n} > o'", "deps": "[f, d]", "outs": "[o]", "params": "[n, {q.json: [a]}]", "vars": "[{v: 1}]"}
    stage |= {rng.choice(KEYS): drawn(rng) for _ in range(rng.randint(0, 2))}
    body = "{" + ", ".join(f"{key}: {value}" for key, value in stage.items()) + "}"
    if rng.random() < 0.3:
        body = f"{{foreach: {drawn(rng)}, do: {body}}}"
    tops = [f"{key}: {drawn(rng)}\n" for key in ("vars", "artifacts", "plots", "datasets") if rng.random() < 0.1]
    tracked = f"outs:\n- {{path: f, md5: d3b07384d113edec49eaa6238ad5ff00, {rng.choice(KEYS)}: {drawn(rng)}}}\n"
    locked = f"schema: '2.0'\nstages:\n  s: {{cmd: echo, {rng.choice(KEYS)}: {drawn(rng)}}}\n"
    params = f"n: {drawn(rng)}\nm: {drawn(rng)}\nl: [1]\n"
    return {"dvc.yaml": f"stages: {{s: {body}}}\n{''.join(tops)}", "params.yaml": params, "x.dvc": tracked, "dvc.lock": locked}


@pytest.mark.parametrize("seed", range(20 if FULL else 1))
def test_jumbled_pipeline_files_are_read_or_refused_with_a_message(tmp_path, seed):
    rng, read = random.Random(seed), 0
    for _ in range(2000 if FULL else 150):
        texts = jumbled(rng)
        chosen = rng.sample(sorted(texts), rng.randint(1, 4))
        with suppress(MlgitError):
            load(Texts(tmp_path, {"dvc.yaml": texts["dvc.yaml"]} | {path: texts[path] for path in chosen}))
            read += 1
    assert read > 0
