"""Why a metric differs: what people changed on the way to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from mlgit.config import Config
from mlgit.diff.cause import Cause, causes
from mlgit.diff.diff import compare
from mlgit.revision.snapshot import Data, Snapshot, StageSnapshot
from tests.kit.sides import digest, snapshots

A, B = digest("a"), digest("b")
SRC = digest("c", nfiles=2)


def side(*, depth=3, auc=0.9, raw=A, code=A, prepared=A, model=A, other=A, cmd="python train.py", **stages):
    """raw.csv -> prepare -> train -> evaluate -> m.json; `other` goes another way."""
    steps = {
        "prepare": StageSnapshot("sh p.sh", {"raw.csv": raw, "src": SRC}, {}, ("prepared",)),
        "train": StageSnapshot(cmd, {"prepared/train.csv": prepared, "train.py": code}, {"train.depth": depth}, ("model",)),
        "evaluate": StageSnapshot("python e.py", {"model": model, "prepared": prepared}, {}, ("m.json", "rows.csv")),
        "aside": StageSnapshot("python o.py", {"other.csv": other}, {"aside": depth}, ("o.json",)),
    }
    data = {"raw.csv": Data("data", raw), "m.json": Data("metric", A)}
    return Snapshot(
        "x", metrics={"m.json": {"auc": auc}}, data=data, stages={**steps, **stages}, config=Config({"auc": "higher"})
    )


def why(base, head):
    found = causes(compare(base, head, config=head.config))
    return [(each.kind, each.name, each.stage) for each in found.get("m.json", ())]


def test_cause_is_what_people_changed_and_not_what_stages_made_of_it():
    head = side(depth=5, raw=B, code=B, prepared=B, model=B, auc=0.8)
    assert why(side(), head) == [
        ("parameter", "train.depth", "train"),
        ("data", "raw.csv", "prepare"),
        ("code", "train.py", "train"),
    ]
    [cause, *_] = causes(compare(side(), head, config=head.config))["m.json"]
    assert cause == Cause("parameter", "train", "train.depth", "changed", 3, 5)


def test_what_lies_on_another_way_is_no_cause():
    assert why(side(), side(auc=0.8, other=B)) == []
    assert causes(compare(side(), side(auc=0.8, other=B), config=Config())) == {"m.json": ()}


def test_same_metrics_need_no_cause():
    assert causes(compare(side(), side(depth=5, model=B), config=Config())) == {}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (side(auc=0.8, cmd="python t.py"), [("command", "", "train")]),
        (
            side(auc=0.8, prepare=StageSnapshot("sh p.sh", {"raw.csv": A, "src": digest("d", nfiles=2)}, {}, ("prepared",))),
            [("code", "src", "prepare")],
        ),
        (
            side(auc=0.8, prepare=StageSnapshot("sh p.sh", {"raw.csv": A, "src": SRC, "uv.lock": B}, {}, ("prepared",))),
            [("code", "uv.lock", "prepare")],
        ),
        (
            side(
                auc=0.8,
                evaluate=StageSnapshot(
                    "python e.py", {"model": A, "prepared": A, "cut.yaml": A}, {"cut": 1}, ("m.json", "rows.csv")
                ),
            ),
            [("parameter", "cut", "evaluate"), ("data", "cut.yaml", "evaluate")],
        ),
        (
            side(auc=0.8, train=StageSnapshot("x", {"fix": A}, {}, ("model",)), fix=StageSnapshot("y", {}, {}, ("fix",))),
            [
                ("parameter", "train.depth", "train"),
                ("code", "train.py", "train"),
                ("command", "", "train"),
                ("stage", "fix", "fix"),
            ],
        ),
    ],
)
def test_commands_folders_and_stages_that_came(head, expected):
    assert why(side(), head) == expected


def test_stage_that_went_is_a_cause():
    head = side(auc=0.8)
    steps = {name: step for name, step in head.stages.items() if name != "prepare"}
    assert ("stage", "prepare", "prepare") in why(side(), replace(head, stages=steps))


def test_metrics_that_no_stage_makes_have_no_causes():
    base, head = (replace(side(auc=auc), stages={}) for auc in (0.9, 0.8))
    assert causes(compare(base, head, config=head.config)) == {}


@given(snapshots, snapshots)
def test_any_two_sides_have_causes(base, head):
    diff = compare(base, head, config=head.config)
    for file, found in causes(diff).items():
        assert any(row.file == file and row.verdict != "same" for row in diff.metrics)
        assert {each.stage for each in found} <= base.stages.keys() | head.stages.keys()
        assert all(row.change != "same" for row in diff.stages if row.address in {each.stage for each in found})
