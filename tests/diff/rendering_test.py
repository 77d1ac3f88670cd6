"""The three ways to print a diff."""

import json
import math
import re
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given

from mlgit.config import Config
from mlgit.diff import markdown, table, wording
from mlgit.diff.diff import compare
from mlgit.diff.document import document
from mlgit.evaluation import results
from mlgit.model_settings import CardFiles, Model
from mlgit.revision.refs import Notice
from mlgit.revision.snapshot import Data, Snapshot, StageSnapshot
from mlgit.tables.shape import Shape
from tests.kit.sides import NASTY, digest, snapshots

BASE = Snapshot(
    "main",
    "a1b2c3d" + "0" * 33,
    metrics={"m.json": {"auc": 0.9712, "loss": 0.3, "n": 100, "kind": "logit"}},
    parameters={"params.yaml": {"train.depth": 6, "seed": 1, "old": None}, "other.toml": {"x": [1, 2]}},
    data={
        "data/raw.csv": Data("data", digest("a", size=1_258_291), Shape(1000, ("id", "age"))),
        "images": Data("data", digest("a", size=2048, nfiles=10)),
        "model": Data("out", digest("a", size=5)),
    },
    stages={
        "prepare": StageSnapshot("python p.py"),
        "train": StageSnapshot("python t.py", {"t.py": digest("a")}, {"train.depth": 6}, ("model",)),
    },
    config=Config({"auc": "higher", "loss": "lower"}),
)
HEAD = Snapshot(
    "workspace",
    metrics={"m.json": {"auc": 0.9745, "loss": 0.4, "n": 120, "kind": "tree"}},
    parameters={"params.yaml": {"train.depth": 3, "seed": 1, "new": "x"}, "other.toml": {"x": [1, 3]}},
    data={
        "data/raw.csv": Data("data", digest("b", size=1_468_006), Shape(1200, ("id", "age", "city"))),
        "images": Data("data", digest("b", size=4096, nfiles=20)),
        "model": Data("out", digest("a", size=5)),
    },
    stages={
        "prepare": StageSnapshot("python p.py"),
        "train": StageSnapshot("python t2.py", {"t.py": digest("b")}, {"train.depth": 3}, ("model",)),
    },
    config=Config({"auc": "higher", "loss": "lower"}),
    stale=("train",),
    notes=(Notice("stale: train", "`mlgit run`"),),
)

TABLE = """\
diff main (a1b2c3d) -> workspace

Metrics
  metric    main  workspace   change
  auc     0.9712     0.9745  +0.0033  better
  loss       0.3        0.4     +0.1  worse
  n          100        120      +20  direction not declared
  kind     logit       tree           changed

Parameters
  parameter     main    workspace
  train.depth   6       3
  new                   x
  old           null
  other.toml:x  [1, 2]  [1, 3]

Data and outputs
  path          content  size                 inside
  data/raw.csv  changed  1.2 MiB -> 1.4 MiB   1000 -> 1200 rows, 2 -> 3 columns (+city)
  images        changed  2.00 KiB -> 4 KiB    10 -> 20 files

Stages
  stage  what differs
  train  command changed: python t.py -> python t2.py
         dependency changed: t.py
         parameter changed: train.depth

the same: 1 parameter, 1 file or folder and 1 stage (--all shows them)
note: workspace: stale: train
hint: `mlgit run`
note: which way is better is not declared for n
hint: add to mlgit.yaml: metrics: {n: {direction: higher}} (or lower)"""


def diff(base=BASE, head=HEAD):
    return compare(base, head, config=head.config)


def test_table():
    assert re.sub(" +", " ", table.render(diff())) == re.sub(" +", " ", TABLE).replace("2.00 KiB", "2 KiB")


def test_columns_stand_below_each_other():
    lines = table.render(diff()).split("\n")
    assert {line.index("workspace") + 9 for line in lines if "metric" in line[:8]} == {lines[4].index("0.9745") + 6}


def test_nothing_changed_is_one_clear_line():
    lines = table.render(diff(BASE, BASE)).split("\n")
    expected = "no differences: 4 metrics, 4 parameters, 3 files and folders and 2 stages are the same"
    assert lines == ["diff main (a1b2c3d) -> main (a1b2c3d)", "", expected]


def test_everything_shows_what_is_the_same():
    text = table.render(diff(), everything=True)
    assert re.search(r"seed +1 +1\n", text)
    assert re.search(r"model +same +5 B\n", text)
    assert re.search(r"prepare +same\n", text)
    assert "--all" not in text


def test_better_is_green_and_worse_red():
    text = table.render(diff(), color=True)
    assert "\x1b[32mbetter\x1b[0m" in text
    assert "\x1b[31mworse\x1b[0m" in text
    assert re.sub(r"\x1b\[\d+m", "", text) == table.render(diff())


def test_metrics_of_several_files_are_told_apart():
    sides = [Snapshot("x", metrics={"a.json": {"f1": value}, "b.json": {"f1": value, "": value}}) for value in (1, 2)]
    names = [row[0] for row in wording.sections(diff(*sides), everything=False)[0].rows]
    assert names == ["a.json:f1", "b.json:f1", "b.json:"]


def test_metric_names_that_yaml_would_misread_are_quoted_in_the_line_to_add():
    sides = [Snapshot("x", metrics={"a.json": {"a: b": value, "@k.1": value}}) for value in (1, 2)]
    assert '{"a: b": {direction: higher}, "@k.1": {direction: higher}}' in wording.line_to_add(diff(*sides))


def test_many_notes_are_cut():
    side = Snapshot("x", notes=tuple(Notice(f"note {number}") for number in range(20)))
    found = wording.remarks(diff(Snapshot("y"), side))
    assert (len(found), found[-1]) == (9, ("x: 12 more notes", "`--format json` has them all"))


def test_numbers_that_json_lacks_are_texts():
    values = {"a": math.nan, "b": math.inf, "c": -math.inf}
    sides = [Snapshot("x", metrics={"m": dict.fromkeys(values, 1)}), Snapshot("y", metrics={"m": values})]
    assert [row["head"] for row in document(diff(*sides))["metrics"]] == ["NaN", "Infinity", "-Infinity"]


def test_long_values_and_many_names_are_cut():
    steps = [StageSnapshot("c", {f"d{number}": digest(letter) for number in range(9)}) for letter in "ab"]
    sides = [
        Snapshot("x", parameters={"params.yaml": {"text": letter * 500}}, stages={"s": step})
        for letter, step in zip("ab", steps, strict=True)
    ]
    text = table.render(diff(*sides))
    assert "d0, d1, d2, d3, d4, d5 and 3 more" in text
    assert max(map(len, text.split("\n"))) < 130


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "null"), (True, "true"), (" ", '" "'), ([1, "é"], '[1, "é"]'), (0.1 + 0.2, "0.3")]
)
def test_value_as_people_write_it(value, shown):
    assert wording.value(value) == shown


def test_markdown_has_a_table_for_each_section():
    text = markdown.render(diff())
    assert text.startswith("### diff main \\(a1b2c3d\\) -&gt; workspace\n")
    assert "| auc | 0.9712 | 0.9745 | \\+0.0033 | better |" in text
    assert "- workspace&#58; stale&#58; train; \\`mlgit run\\`" in text


def test_causes_are_told_beside_the_metrics_that_differ():
    made = [
        Snapshot(
            side.name,
            metrics={"m.json": {"auc": value, "loss": value, "n": 5}},
            stages={"t|x": StageSnapshot(f"python {value}", {"a.py": digest(side.name)}, {"depth": value}, ("m.json",))},
        )
        for side, value in ((Snapshot("a"), 1), (Snapshot("b"), 2))
    ]
    assert [row for section in wording.sections(diff(*made), everything=False)[1:2] for row in section.rows] == [
        ("auc, loss", "depth: 1 -> 2", "t|x"),
        ("", "code changed: a.py", "t|x"),
        ("", "command: python 1 -> python 2", "t|x"),
    ]
    [cause, *_] = document(diff(*made))["causes"]["m.json"]
    assert cause == {"kind": "parameter", "stage": "t|x", "name": "depth", "change": "changed", "old": 1, "new": 2}
    assert "t&#124;x" in markdown.render(diff(*made))
    nothing = [replace(side, stages={"t": StageSnapshot("x", {}, {}, ("m.json",))}) for side in made]
    assert "nothing: it differs by chance, or by what is not declared" in table.render(diff(*nothing))


def judged(**more):
    """The diff with what rows say: auc by rows, another metric without an interval, loss not at all."""
    base, head = (
        replace(side, config=Config({"auc": "higher"}, {"m|x": Model("m|x", CardFiles("", ""), metrics="m.json")}))
        for side in (BASE, HEAD)
    )
    found = results.MetricResult(
        "m|x", "auc", "inconclusive", "higher", 0.97, 0.974, 0.004, -0.001, 0.009, n=1000, n_discordant=30, method="DeLong"
    )
    rows = results.Flips("m|x", 2, 30, ("a", "b"), tuple(f"{number}|{NASTY}" for number in range(30)))
    return replace(
        diff(base, head), measured=(found,), rows=(rows,), tested=(results.TestedRows("m|x", "paired", "id", 1000),), **more
    )


def test_what_rows_say_stands_before_what_is_recorded():
    metrics, *others = wording.sections(judged(), everything=False)
    assert metrics.header == ("metric", "main", "workspace", "change", "90 % interval, 5 % a side", "p", "")
    assert metrics.rows[:2] == [
        ("auc", "0.970", "0.974", "+0.004", "-0.001 to +0.009", "", "inconclusive"),
        ("loss", "0.3", "0.4", "+0.1", "", "", "direction not declared"),
    ]
    rows = next(section for section in others if section.title == "Rows").rows[0]
    assert rows[:4] == ("m|x", "1000 by id", "2", "30")
    assert rows[4].endswith(" and 24 more")


def test_rows_in_every_format_are_escaped():
    text = markdown.render(judged())
    assert "<script>" not in text
    assert "m&#124;x" in text
    assert "\x1b" not in table.render(judged())
    found = document(judged())
    jsonschema.validate(found, JSON_SCHEMA)
    assert (found["comparisons"][0]["standing"], found["rows"][0]["fixed_keys"]) == ("inconclusive", ["a", "b"])


def test_models_whose_rows_cannot_be_compared_say_why():
    troubled = replace(judged(), tested=(results.TestedRows("m|x", "invalid", trouble="3 rows are new"),), rows=(), measured=())
    assert ("m|x: 3 rows are new", "") in wording.remarks(troubled)
    assert [section.title for section in wording.sections(troubled, everything=False)].count("Rows") == 0
    assert document(troubled)["rows"][0]["fixed"] is None


def test_turned_direction_is_told():
    head = Snapshot("y", metrics={"m.json": {"loss": 1}}, config=Config({"loss": "higher"}))
    assert ("mlgit.yaml turns the direction of loss: lower -> higher", "") in wording.remarks(diff(BASE, head))


SCHEMA_KEYS = {
    "metrics": {"file", "name", "base", "head", "delta", "direction", "verdict"},
    "parameters": {"file", "key", "change", "old", "new"},
    "data": {"path", "kind", "change", "old", "new", "columns_added", "columns_removed", "files"},
    "stages": {"name", "change", "differences"},
}
CONTENT = {
    "type": ["object", "null"],
    "required": ["md5", "size", "nfiles", "rows", "columns"],
    "additionalProperties": False,
    "properties": {
        "md5": {"type": ["string", "null"]},
        "size": {"type": ["integer", "null"]},
        "nfiles": {"type": ["integer", "null"]},
        "rows": {"type": ["integer", "null"]},
        "columns": {"type": ["array", "null"], "items": {"type": "string"}},
    },
}
SIDE = {
    "type": "object",
    "required": ["name", "commit", "stale", "notes"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "commit": {"type": ["string", "null"]}, "stale": {}, "notes": {}},
}
TABLES = ("leakage", "tables", "contracts")
JSON_SCHEMA = {
    "type": "object",
    "required": ["schema", "base", "head", "changed", "compared", "causes", "comparisons", "rows", *TABLES, *SCHEMA_KEYS],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "base": SIDE,
        "head": SIDE,
        "changed": {"type": "boolean"},
        "compared": {"type": "object", "required": ["metrics", "parameters", "data", "stages"]},
        "comparisons": {"type": "array", "items": {"required": ["model", "metric", "standing", "delta", "low", "high", "n"]}},
        "rows": {"type": "array", "items": {"required": ["model", "how", "n", "digest", "trouble", "fixed", "broken"]}},
        "leakage": {"type": "array", "items": {"required": ["model", "leaked", "rows", "ids", "of", "unchecked"]}},
        "tables": {"type": "array", "items": {"required": ["path", "rows_before", "rows_now", "moved", "reason"]}},
        "contracts": {"type": "array", "items": {"required": ["path", "contract", "state", "changes", "data", "reason"]}},
        "causes": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"required": ["kind", "stage", "name", "change"]}},
        },
        **{
            kind: {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": sorted(keys),
                    "additionalProperties": False,
                    "properties": {key: CONTENT if (kind, key) in (("data", "old"), ("data", "new")) else {} for key in keys},
                },
            }
            for kind, keys in SCHEMA_KEYS.items()
        },
    },
}


def test_document():
    found = document(diff())
    assert found["metrics"][0] == {
        "file": "m.json",
        "name": "auc",
        "base": 0.9712,
        "head": 0.9745,
        "delta": 0.9745 - 0.9712,
        "direction": "higher",
        "verdict": "better",
    }
    assert found["data"][0]["new"] == {
        "md5": "b" * 32,
        "size": 1_468_006,
        "nfiles": None,
        "rows": 1200,
        "columns": ["id", "age", "city"],
    }
    assert found["stages"][0]["differences"][0] == {
        "kind": "command",
        "change": "changed",
        "name": "",
        "old": "python t.py",
        "new": "python t2.py",
    }
    assert found["compared"] == {"metrics": 4, "parameters": 3, "data": 3, "stages": 2}
    assert (found["head"]["commit"], found["head"]["stale"], found["changed"]) == (None, ["train"], True)
    assert len(document(diff(), everything=True)["stages"]) == 2


@pytest.mark.slow
@given(snapshots, snapshots)
def test_document_is_json_and_keeps_its_schema(one, other):
    found = document(diff(one, other), everything=True)
    jsonschema.validate(found, JSON_SCHEMA)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.slow
@given(snapshots, snapshots)
def test_no_text_of_a_repository_reaches_the_terminal_as_it_is(one, other):
    text = table.render(diff(one, other), everything=True)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


@pytest.mark.slow
@given(snapshots, snapshots)
def test_no_text_of_a_repository_is_markup_in_markdown(one, other):
    text = markdown.render(diff(one, other), everything=True)
    assert not re.search(r"[<>]|\x1b|@|(?<!\\)[`\[\]!]|https:", text)
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.split("\n")}) == 1


def test_hostile_names_are_shown_and_not_obeyed():
    sides = [
        Snapshot(
            "x", metrics={NASTY: {NASTY: value}}, data={NASTY + value: Data("out", digest())}, notes=(Notice(NASTY, NASTY),)
        )
        for value in "ab"
    ]
    text = table.render(diff(*sides))
    assert "\\x1b[31m\\n@everyone" in text
    assert "\x1b" not in text
