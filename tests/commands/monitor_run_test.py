"""`mlgit monitor run` on windows that are odd: empty, of other formats, or without a column that others had."""

from __future__ import annotations

import json
import random

import pytest

from mlgit.commands import monitor_run
from tests.kit import commit, git, write_tree
from tests.kit.forked import mlgit
from tests.monitoring import chains
from tests.registry.projects import FILES, made

pytestmark = pytest.mark.slow  # a version is released

SETTINGS = (
    FILES["mlgit.yaml"]
    + "environments: [{name: prod}]\n"
    + 'monitoring: {churn: {windows: {path: "data/today/*", by: day(ts), min_rows: 10}}}\n'
)
PREPARE = "cp data/raw.csv data/train.csv\n(head -1 data/raw.csv; tail -5 data/raw.csv) > data/test.csv\n"
COLUMNS = ("id", "ts", "x", "plan", "code", "zip", "label")


def rows(day, *, shift=0.0, number=30):
    rng = random.Random(day)
    return [
        (
            f"{day}-{row}",
            f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T{row % 24:02d}:00:00Z",
            round(rng.gauss(shift, 1), 3),
            rng.choice(["free", "pro"]),
            rng.choice(["007", "012", "113"]),
            rng.choice(["007", "012", "A12"]),
            row % 2,
        )
        for row in range(number)
    ]


def csv(found, columns=COLUMNS):
    places = [COLUMNS.index(each) for each in columns]
    return "\n".join([",".join(columns), *(",".join(str(row[each]) for each in places) for row in found), ""])


def lines(found, columns=COLUMNS[:-1]):
    return "".join(json.dumps({name: row[COLUMNS.index(name)] for name in columns}) + "\n" for row in found)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    files = {"mlgit.yaml": SETTINGS, "src/prepare.sh": PREPARE}
    files["data/raw.csv"] = csv([row for day in range(25) for row in rows(day)])
    root = made(tmp_path_factory.mktemp("watched") / "project", mlgit, files)
    commit(root)
    for words in (("register", "churn", "--version", "v1.0.0"), ("promote", "churn@v1.0.0", "prod")):
        done = mlgit(root, "model", *words)
        assert done.code == 0, done.said
    return root


@pytest.fixture
def root(released, monkeypatch):
    monkeypatch.chdir(released)
    yield released
    git(released, "update-ref", "-d", chains.REF)
    for each in (released / "data/today").glob("*"):
        each.unlink()


def judged(root, files):
    write_tree(root, {f"data/today/{name}": text for name, text in files.items()})
    (found,) = monitor_run.run("churn", partial=True).models
    return found


def test_codes_in_quotes_are_those_of_the_training_data(root):
    found = judged(root, {"1.jsonl": lines(rows(30))})
    assert [each.verdict for each in found.verdicts] == ["quiet"]


def test_codes_of_a_file_without_types_are_those_of_the_training_data(root):
    found = judged(root, {"1.csv": csv([row for row in rows(30, number=60) if row[5] != "A12"])})
    assert [each.note for each in found.verdicts[0].columns if each.name == "zip"] == [""]


def test_column_that_windows_had_before_counts_as_missing(root):
    short = [each for each in COLUMNS[:-1] if each != "plan"]
    assert judged(root, {"1.jsonl": lines(rows(30))}).exit_code == 0
    (root / "data/today/1.jsonl").unlink()
    (verdict,) = judged(root, {"2.jsonl": lines(rows(31), short)}).verdicts
    assert verdict.verdict == "watch"
    assert "'plan' missing 0 % -> 100 %" in verdict.reason


def test_file_without_rows_cannot_be_told_whatever_was_judged_before(root):
    assert judged(root, {"1.jsonl": lines(rows(30))}).exit_code == 0
    write_tree(root, {"data/empty.csv": csv([])})
    found = monitor_run.run("churn", current="data/empty.csv")
    assert (found.exit_code, found.models[0].latest) == (2, None)


def test_file_that_was_judged_before_has_its_verdict_not_that_of_the_last_window(root):
    assert judged(root, {"1.jsonl": lines(rows(30, shift=9)), "2.jsonl": lines(rows(31))}).exit_code == 1
    again = monitor_run.run("churn", current="data/today/1.jsonl", partial=True)
    assert (again.exit_code, again.models[0].verdicts) == (1, ())
    assert monitor_run.run("churn", current="data/today/2.jsonl", partial=True).exit_code == 0


def test_labels_that_are_not_there_yet_keep_nobody_from_looking_at_the_data(root):
    before = git(root, "rev-parse", "HEAD").strip()
    declared = SETTINGS.replace("{churn: {", "{churn: {labels: {path: data/labels.csv, id: id}, ")
    write_tree(root, {"mlgit.yaml": declared})
    commit(root)
    try:
        (verdict,) = judged(root, {"1.jsonl": lines(rows(30))}).verdicts
    finally:
        git(root, "reset", "-q", "--hard", before)
    assert verdict.verdict == "quiet"
    assert any(each.startswith("the labels were not read: data/labels.csv") for each in verdict.notes)
