"""What is read beside a loaded pipeline is what would be read by itself, however its files are laid out."""

from __future__ import annotations

import functools
import random

import pytest

from mlgit.adapters.git.objects import GitObjects
from mlgit.errors import MlgitError
from mlgit.pipeline.load import load
from mlgit.pipeline.load_beside import Loaded, load_beside
from mlgit.pipeline.sources import CommitFiles, WorkspaceFiles
from tests.kit import FULL, git, repository
from tests.pipeline.neighbours import Revision, edited, project

READERS = Revision.document, Revision.sections
SEEDS = range(20000 if FULL else 80)


def outcome(work):
    """What comes of it: a value, or the words of the refusal."""
    try:
        return work()
    except MlgitError as error:
        return f"{error.message} / {error.hint}"


def loaded(texts):
    source = Revision(texts)
    pipeline = outcome(lambda: load(source))
    return None if isinstance(pipeline, str) else Loaded(pipeline, source, tuple(source.read))


def beside(texts, known):
    """The outcome beside a loaded pipeline, None where it is left to be loaded by itself; and what it was read from."""
    source = Revision(texts)
    return outcome(lambda: load_beside(source, known)), source


def check(texts, known):
    """Compare both ways; returns what was loaded beside the other, if anything."""
    found, source = beside(texts, known)
    if found is None:
        return None
    assert found == outcome(lambda: load(Revision(texts)))
    return None if isinstance(found, str) else Loaded(found, source, tuple(source.read))


DECLARED = "stages:\n  a: {cmd: one}\n  b: {cmd: two}\n  c: {cmd: three}\n  d: {cmd: four}\n"
LOCK = "schema: '2.0'\nstages:\n" + "".join(
    f"  {name}:\n    cmd: {name}\n    params:\n      params.yaml:\n        x: {value}\n"
    for name, value in {"a": "&id001 [1]", "b": "2", "c": "*id001", "d": "3"}.items()
)


@pytest.mark.parametrize(
    "lock",
    [
        LOCK.replace("[1]", "[9]"),  # c is told otherwise, and its own text is the same
        "schema: '2.0'\nstages:\n",  # which DVC does not accept
    ],
)
def test_lock_that_says_otherwise_is_not_taken_for_the_known_one(lock):
    known = loaded({"dvc.yaml": DECLARED, "dvc.lock": LOCK})
    check({"dvc.yaml": DECLARED, "dvc.lock": lock}, known)


@pytest.mark.parametrize("name", ["values.lock", "mlgit.yaml", "../values.yaml"])
def test_file_that_templates_read_counts_whatever_it_is_called(name):
    files = {"dvc.yaml": f"vars: [{name}]\nstages:\n  a: {{cmd: 'echo ${{x}}'}}\n", "dvc.lock": LOCK, name: "x: 1\n"}
    known = loaded(files)
    assert check(files, known)
    assert beside({**files, name: "x: 2\n"}, known)[0] is None


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_pipeline_read_beside_another_is_the_one_that_is_loaded_by_itself(part):
    taken = 0
    for seed in SEEDS[part::4]:
        rng = random.Random(seed)
        before = project(rng)
        if rng.random() < 0.4:
            before = edited(before, rng, most=2)
        known = loaded(before)
        for _ in range(4):
            now = edited(before, rng)
            found = check(now, known) if known else None
            taken += found is not None
            before, known = (now, found) if found else (before, known)
    assert taken > len(SEEDS[part::4]) // 4  # it is not left to the other way each time


def test_pipeline_of_the_workspace_stands_in_the_order_of_a_commit(tmp_path):
    names = ["z", "b", "m/q", "a", "y", "m", "c/d/e"]
    files = {f"{name}/{kind}": "" for name in names for kind in ("dvc.yaml", "1.dvc", "x.dvc", "0.dvc")}
    root = repository(tmp_path, {name: "stages: {}\n" if name.endswith("yaml") else "outs: []\n" for name in files})
    head, objects = git(root, "rev-parse", "HEAD"), GitObjects(root)
    assert WorkspaceFiles(root).pipeline_files() == CommitFiles(objects, head).pipeline_files()
    objects.close()


STAGE = "stages:\n  a:\n    cmd: "


@pytest.mark.parametrize(
    "text",
    [
        STAGE + '"x\nmetrics:\n y"\nplots:\n- a.csv\n',
        STAGE + "'x\nmetrics: b'\nplots:\n- 'a.csv'\n",
        "stages:\n  {a: {cmd: x},\nvars: {cmd: y}}\nplots:\n- a.csv\n",
        'artifacts:\n  m:\n    path: p\n    desc: "a\nstages:\n\n b"\n',
        STAGE + "x\u2028artifacts:\n  m:\n    path: p\n",
        STAGE + "&-x x\nartifacts:\n  m:\n    path: *-x\n",
        STAGE + "x\nplots:\n- a\nplots:\n- b\n",
    ],
)
def test_text_that_looks_like_a_section_is_none(text):
    whole, found = (outcome(functools.partial(read, Revision({"dvc.yaml": text}), "dvc.yaml")) for read in READERS)
    assert without_stages(found) == without_stages(whole) if isinstance(whole, dict) else found == whole


@pytest.mark.parametrize(
    "text",
    [
        STAGE + "'it''s\n\n      long'\nplots:\n- {a.csv: {x: b}}\n",
        STAGE + '"a \\\n      b" # c\nparams: [p.yaml]\n',
        STAGE + "x\n    metrics: [{m.json: {cache: false}}, {n.json: {desc: d, labels: [b]}}]\nparams: [p.yaml]\n",
    ],
)
def test_stages_are_left_out_where_that_is_sure(text):
    assert "stages" not in Revision({"dvc.yaml": text}).sections("dvc.yaml")


@pytest.mark.slow
def test_sections_beside_the_stages_are_those_of_the_whole_file():
    for seed in SEEDS[::2]:
        rng = random.Random(seed)
        texts = edited(edited(project(rng), rng), rng)
        for path in [each for each in texts if each.endswith("dvc.yaml")]:
            whole, found = (outcome(functools.partial(read, Revision(texts), path)) for read in READERS)
            if isinstance(whole, dict) and isinstance(found, dict):
                assert without_stages(found) == without_stages(whole), texts[path]
            elif not isinstance(whole, str) or isinstance(found, str):
                assert found == whole, texts[path]


def without_stages(document):
    return {key: value for key, value in document.items() if key != "stages"}
