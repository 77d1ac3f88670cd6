"""Locks that people edited or merged by hand: what is left of comments, quotes and style is what DVC leaves of it."""

from __future__ import annotations

import copy
import random
import re
import shutil

import pytest
from dvc.utils.serialize import dumps_yaml, loads_yaml, modify_yaml

from mlgit.adapters.formats import documents
from mlgit.pipeline import lock
from mlgit.pipeline.lock_writer import LockBook
from mlgit.pipeline.model import Digest, Entry, Item, Stage
from tests.conftest import FULL
from tests.kit import repository
from tests.pipeline.differential import run_dvc, run_mlgit

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SEEDS = range(3000 if FULL else 40)
VALUES = [
    1,
    2.5,
    1e-5,
    True,
    None,
    "text",
    "with space",
    "a: b",
    "012",
    "",
    "yes",
    [1, "b"],
    {"deep": {"er": [2.0, "x #y"]}},
    [],
]
COMMANDS = ["echo 1", "python train.py --rate 0.1 " + "--more of it " * 12, "cp " + "x" * 90 + " y", "say 'a: b'", "a  b"]


def entry(rng):
    """An entry as a run would record it."""
    items = [
        Item(name, Digest(MD5, rng.randint(0, 9), *rng.choice([(None, False), (None, True)]))) for name in ("in.txt", "d/x")
    ]
    params = {"params.yaml": {f"k{number}": copy.deepcopy(rng.choice(VALUES)) for number in range(rng.randint(0, 3))}}
    cmd = rng.choice([rng.choice(COMMANDS), tuple(rng.sample(COMMANDS, 2))])
    return Entry(
        cmd, tuple(items[: rng.randint(0, 2)]), params if params["params.yaml"] else {}, tuple(items[: rng.randint(0, 2)])
    )


def edited(text, rng):
    """The text after some edits of the kinds that people make."""
    for _ in range(rng.randint(1, 3)):
        rows = text.splitlines(keepends=True)
        at = rng.randrange(len(rows))
        match rng.randrange(9):
            case 0:
                rows.insert(at, rng.choice(["# said\n", "    # said\n", "\n", "  # more\n  # and more\n"]))
            case 1:
                rows[at] = rows[at].rstrip("\n") + "  # why\n"
            case 2:
                rows[at] = re.sub(r": ([a-z][a-z/.]*)$", r": '\1'", rows[at])
            case 3:
                rows[at] = re.sub(r": ([a-z][a-z/.]*)$", r': "\1"', rows[at])
            case 4:
                rows = ["".join(rows).replace("'2.0'", rng.choice(['"2.0"', "'2.0'  # two"]))]
            case 5:
                rows = re.sub(
                    r"(?m)^    - path: (\S+)\n((?:      .*\n)*)", _flow if rng.random() < 0.5 else r"\g<0>", "".join(rows)
                )
            case 6:
                rows = [("" if rng.random() < 0.5 else "# head of it\n"), *rows]
            case 7:
                rows = re.sub(r"(?m)^( +)", lambda match: match[1] * 2, "".join(rows)).replace("-   ", "- ")
            case 8:
                rows = [row.rstrip("\n") + "\r\n" for row in rows] if rng.random() < 0.5 else ["---\n", *rows]
        text = "".join(rows)
    return text


def _flow(match):
    inner = ", ".join(row.strip() for row in match[2].splitlines())
    return f"    - {{path: {match[1]}" + (f", {inner}" if inner else "") + "}\n"


def _as_read(text):
    try:
        document = documents.parse_yaml(text, name="dvc.lock")
        return document if loads_yaml(text) == document and isinstance(document, dict) else None
    except Exception:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_stages_written_into_an_edited_lock_leave_what_dvc_leaves(tmp_path, part):
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    tried = sum(_compare(tmp_path, seed) for seed in SEEDS if seed % 4 == part)
    assert tried > len(SEEDS) / 12


def _compare(folder, seed):
    """Write stages into an edited lock as both programs do; whether there was something to compare."""
    rng = random.Random(seed)
    names = ["a", "train", "s@1", "zz"][: rng.randint(1, 4)]
    entries = {name: entry(rng) for name in names}
    text = edited(dumps_yaml({"schema": "2.0", "stages": {name: lock.document(each) for name, each in entries.items()}}), rng)
    document = _as_read(text)
    if document is None or document.get("schema") != "2.0" or list(document.get("stages") or {}) != names:
        return False
    path, order = folder / "dvc.lock", {name: number for number, name in enumerate([*names, "new", "other"])}
    path.write_text(text, newline="")
    changes = {
        name: rng.choice([entries.get(name) or entry(rng), entry(rng)]) for name in rng.sample([*order], rng.randint(1, 3))
    }
    found = lock.lock_text(text, document, name="dvc.lock")
    book = LockBook(folder, {"dvc.lock": found}, order, entries=entries, cache_folder=str(folder))
    for name, each in changes.items():
        book.put(Stage(name, "dvc.yaml"), each)
    book.flush()
    ours = path.read_text()
    path.write_text(text, newline="")
    for name in sorted(changes, key=lambda name: order[name]):
        with modify_yaml(path) as theirs:
            theirs["stages"] = theirs.get("stages", {})
            theirs["stages"].update({name: lock.document(changes[name])})
    assert ours == path.read_text(), f"seed {seed}: {sorted(changes)}\n{text}\n--- ours\n{ours}\n--- dvc\n{path.read_text()}"
    return True


PIPELINE = """\
stages:
  a: {cmd: cp in.txt a.txt, deps: [in.txt], outs: [a.txt]}
  b: {cmd: cp b.in b.txt, deps: [b.in], outs: [b.txt]}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A project that DVC ran."""
    files = {"dvc.yaml": PIPELINE, "in.txt": "1\n", "b.in": "2\n"}
    root = repository(tmp_path_factory.mktemp("ran") / "project", files)
    assert run_dvc(root, "repro", "--quiet").code == 0
    return root


@pytest.fixture
def copies(ran, tmp_path):
    """The project in two copies."""
    return [shutil.copytree(ran, tmp_path / name, symlinks=True) for name in ("ours", "theirs")]


def run_both(copies, edit, change):
    """Edit the lock, change a file, and run in both copies: the exit codes, and the locks that are left."""
    for root in copies:
        path = root / "dvc.lock"
        path.write_text(edit(path.read_text()), newline="")
        change(root)
    codes = run_mlgit(copies[0], "run").code, run_dvc(copies[1], "repro", "--quiet").code
    return codes, *((root / "dvc.lock").read_bytes() for root in copies)


EDITS = {
    "comment": lambda text: "# by hand\n" + text.replace("  b:\n", "  # of b\n  b: # here\n"),
    "flow": lambda text: re.sub(r"(?m)^    - path: (b\S+)\n((?:      .*\n)*)", _flow, text),
    "quotes": lambda text: text.replace("hash: md5", "hash: 'md5'").replace("'2.0'", '"2.0"'),
    "indent": lambda text: re.sub(r"(?m)^( +)(- )?", lambda match: match[1] * 2 + ("-   " if match[2] else ""), text),
    "windows": lambda text: text.replace("\n", "\r\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_run_leaves_the_lock_that_repro_leaves_of_an_edited_one(copies, name):
    codes, ours, theirs = run_both(copies, EDITS[name], lambda root: (root / "in.txt").write_text("3\n"))
    assert (codes, ours) == ((0, 0), theirs)
    codes, ours, theirs = run_both(copies, EDITS[name], lambda root: (root / "a.txt").unlink())
    assert (codes, ours) == ((0, 0), theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "",
        lambda text: "\n# nothing\n",
        lambda text: text.replace("stages:", "<<<<<<< ours\nstages:\n=======\nstages:\n>>>>>>> theirs"),
        lambda text: text + text.partition("stages:\n")[2],
        lambda text: text.replace("  b:\n", "b:\n").replace("\n    ", "\n  "),
        lambda text: text + "  gone:\n    cmd: x\n    odd: 1\n",
        lambda text: text + "  gone:\n    outs: []\n",
        lambda text: text + "  gone:\n    cmd: x\n    deps:\n",
        lambda text: text.replace("size: 2", "size: two"),
        lambda text: text.replace("- path: b.in", "- way: b.in"),
        lambda text: "schema: '2.0'\nstages:\n",
        lambda text: text.replace("'2.0'", "2.0"),
    ],
)
def test_lock_that_dvc_refuses_is_refused_by_every_command(copies, edit):
    codes, ours, theirs = run_both(copies, edit, lambda root: (root / "in.txt").write_text("3\n"))
    assert codes[0] == 2
    assert codes[1] != 0
    assert ours == theirs
    for args in (("status",), ("dag",), ("run", "--dry-run")):
        assert run_mlgit(copies[0], *args).code == 2
    said = run_mlgit(copies[0], "doctor", "--json").json["findings"]
    assert [row["path"] for row in said if row["kind"] == "file"] == ["dvc.yaml"] or "dvc.lock" in said[0]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["schema: '2.0'\n", "schema: '2.0'\nstages: {}\n", "# said\nschema: '2.0'\nstages: {}\n"])
def test_lock_without_stages_takes_some(copies, text):
    codes, ours, theirs = run_both(copies, lambda _: text, lambda root: None)
    assert (codes, ours) == ((0, 0), theirs)
