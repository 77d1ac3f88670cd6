"""The comparison itself, on values."""

import math
from dataclasses import replace

import pytest
from hypothesis import given

from mlgit.config import Config
from mlgit.diff.diff import Difference, compare, equal
from mlgit.revision.snapshot import Data, Snapshot, StageSnapshot, differing
from mlgit.tables.shape import Shape
from tests.kit.sides import digest, metrics, snapshots


def diff(base, head):
    return compare(base, head, config=head.config)


def metric(old, new, **directions):
    rows = diff(metrics({} if old is None else {"m": old}), metrics({} if new is None else {"m": new}, **directions)).metrics
    return rows[0]


@pytest.mark.parametrize(
    ("old", "new", "direction", "verdict"),
    [
        (0.5, 0.6, "higher", "better"),
        (0.5, 0.6, "lower", "worse"),
        (0.5, 0.4, "lower", "better"),
        (0.5, 0.5, "lower", "same"),
        (1, 1.0, None, "same"),
        (0.5, 0.6, None, "unknown-direction"),
        (None, 0.6, "higher", "added"),
        (0.5, None, "higher", "removed"),
        (math.nan, math.nan, "higher", "same"),
        (0.5, math.nan, "higher", "changed"),
        (math.nan, 0.5, "higher", "changed"),
        (0.5, math.inf, "lower", "worse"),
        (-math.inf, math.inf, "higher", "better"),
        (10**400, 1.0, "higher", "worse"),
        ("a", "b", "higher", "changed"),
        ("a", "a", "higher", "same"),
        (True, False, "higher", "changed"),
        (True, 1, "higher", "changed"),
        ("1", 1, "higher", "changed"),
    ],
)
def test_verdict_of_a_metric(old, new, direction, verdict):
    directions = {"m": direction} if direction else {}
    assert metric(old, new, **directions).verdict == verdict


def test_delta_is_head_minus_base_and_only_for_numbers():
    assert metric(0.5, 0.75).delta == 0.25
    assert metric(2, 2).delta == 0
    assert [metric(*pair).delta for pair in ((math.nan, 1), ("a", "b"), (True, False), (None, 1), (10**400, 0.5))] == [None] * 5


def test_renamed_metric_is_gone_and_new():
    rows = diff(metrics({"auc": 0.5}), metrics({"roc_auc": 0.5})).metrics
    assert [(row.name, row.verdict) for row in rows] == [("roc_auc", "added"), ("auc", "removed")]


def test_values_of_a_file_that_could_not_be_read_are_neither_new_nor_gone():
    head = replace(metrics({}), metrics={}, unread=frozenset({"m.json"}))
    found = diff(metrics({"auc": 0.5}), head)
    assert [(row.base, row.head, row.verdict) for row in found.metrics] == [(0.5, None, "unknown")]
    assert found.compared["metrics"] == 0


def test_direction_that_the_head_turns_is_told():
    found = diff(metrics({"loss": 1.0}, loss="lower"), metrics({"loss": 2.0}, loss="higher"))
    assert (found.turned, found.metrics[0].verdict) == (("loss",), "better")


def test_undeclared_metrics_are_named_once():
    files = {"a.json": {"x": 1, "same": 1}, "b.json": {"x": 1}}
    other = {"a.json": {"x": 2, "same": 1}, "b.json": {"x": 3}}
    assert diff(Snapshot("x", metrics=files), Snapshot("y", metrics=other)).undeclared == ("x",)


def test_parameters_that_come_go_and_change():
    old, new = {"a": None, "b": 1, "c": [1, 2], "e": True}, {"a": None, "c": [1, 3], "d": None, "e": 1}
    rows = diff(Snapshot("x", parameters={"p": old}), Snapshot("y", parameters={"p": new})).parameters
    changes = {row.key: row.change for row in rows}
    assert changes == {"a": "same", "b": "removed", "c": "changed", "d": "added", "e": "changed"}


def test_data_is_compared_by_digest():
    old = {"a": digest("a"), "b": digest("b"), "gone": digest(), "dark": None}
    new = {"a": digest("a", size=99), "b": digest("c"), "new": digest(), "dark": digest()}
    base, head = (Snapshot("x", data={path: Data("out", each) for path, each in side.items()}) for side in (old, new))
    rows = {row.path: row.change for row in diff(base, head).data}
    assert rows == {"a": "same", "b": "changed", "new": "added", "gone": "removed", "dark": "unknown"}
    assert differing(base, head) == {"b", "new", "gone", "dark"}


def test_file_compared_value_by_value_is_not_listed_as_data_again():
    sides = [
        Snapshot("x", metrics={"m.json": {"auc": value}}, data={"m.json": Data("metric", digest(letter))})
        for value, letter in ((0.1, "a"), (0.2, "b"))
    ]
    assert diff(*sides).data == ()


def test_columns_that_come_and_go_need_both_tables():
    table, other = Data("out", digest("a"), Shape(3, ("id", "x"))), Data("out", digest("b"), Shape(4, ("id", "y")))
    row = diff(Snapshot("x", data={"t": table}), Snapshot("y", data={"t": other})).data[0]
    assert (row.columns_added, row.columns_removed) == (("y",), ("x",))
    alone = diff(Snapshot("x"), Snapshot("y", data={"t": other})).data[0]
    assert (alone.columns_added, alone.columns_removed) == ((), ())


def test_stage_says_in_what_it_differs():
    old = StageSnapshot(
        "run a", {"kept": digest("a"), "src": digest("a"), "gone": digest()}, {"depth": 1, "old": 1}, ("out", "was")
    )
    new = StageSnapshot(("run b", "run c"), {"kept": digest("a"), "src": digest("b"), "new": None}, {"depth": 2}, ("out",))
    sides = [
        Snapshot("x", stages={"train": step}, data={"out": Data("out", digest(letter))})
        for step, letter in ((old, "a"), (new, "b"))
    ]
    assert diff(*sides).stages[0].differences == (
        Difference("command", "changed", old="run a", new="run b\nrun c"),
        Difference("dependency", "changed", "src"),
        Difference("dependency", "added", "new"),
        Difference("dependency", "removed", "gone"),
        Difference("parameter", "changed", "depth"),
        Difference("parameter", "removed", "old"),
        Difference("output", "changed", "out"),
        Difference("output", "removed", "was"),
    )


def test_stages_added_and_removed():
    rows = diff(
        Snapshot("x", stages={"a": StageSnapshot("c"), "b": StageSnapshot("c")}),
        Snapshot("y", stages={"b": StageSnapshot("c"), "d": StageSnapshot("c")}),
    ).stages
    assert [(row.address, row.change) for row in rows] == [("b", "same"), ("d", "added"), ("a", "removed")]


@given(snapshots)
def test_snapshot_does_not_differ_from_itself(side):
    found = compare(side, side, config=side.config)
    assert all(row.verdict == "same" for row in found.metrics)
    assert all(row.change == "same" for row in (*found.parameters, *found.stages))
    assert all(row.change in ("same", "unknown") for row in found.data)


MIRROR = {"better": "worse", "worse": "better", "added": "removed", "removed": "added"}


@given(snapshots, snapshots)
def test_swapped_sides_give_the_mirrored_answer(one, other):
    config = Config({**one.config.directions, **other.config.directions})
    there, back = compare(one, other, config=config), compare(other, one, config=config)
    mirrored = {(row.file, row.name): MIRROR.get(row.verdict, row.verdict) for row in back.metrics}
    assert {(row.file, row.name): row.verdict for row in there.metrics} == mirrored
    for kind, key in (
        ("parameters", lambda row: (row.file, row.key)),
        ("data", lambda row: row.path),
        ("stages", lambda row: row.address),
    ):
        mirrored = {key(row): MIRROR.get(row.change, row.change) for row in getattr(back, kind)}
        assert {key(row): row.change for row in getattr(there, kind)} == mirrored
    assert (there.is_empty, there.compared) == (back.is_empty, back.compared)


@given(snapshots, snapshots)
def test_every_metric_of_a_readable_file_has_one_row(one, other):
    sides = (one, other)
    expected = {
        (file, name) for side in sides for file, names in side.metrics.items() if file not in side.unread for name in names
    }
    rows = [(row.file, row.name) for row in compare(one, other, config=one.config).metrics]
    assert (set(rows), len(rows)) == (expected, len(expected))


@given(snapshots, snapshots)
def test_delta_and_verdict_agree(one, other):
    for row in compare(one, other, config=other.config).metrics:
        if row.verdict in ("better", "worse") and row.delta:
            assert (row.verdict == "better") == ((row.delta > 0) == (row.direction == "higher"))


def test_nan_inside_a_list_is_itself():
    assert equal([1, math.nan], [1, math.nan])
