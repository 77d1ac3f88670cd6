"""Two sides of a model brought together: what can be compared, and why the rest cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.config import Config, parse
from mlgit.evaluation import prediction_files, row_changes
from mlgit.evaluation.model_pair import digest, is_changed, join
from mlgit.evaluation.model_results import ModelResults, asked, columns
from mlgit.revision.refs import Notice
from mlgit.rules import parse as parse_gates
from mlgit.statistics.rows import coded
from tests.kit.late import Module
from tests.kit.sides import NASTY

pa = Module("pyarrow")
textcolumns = Module("mlgit.tables.textcolumns")

MODEL = parse({"mlgit": 1, "models": {"m": {"predictions": "p.csv", "id": "id"}}}).model("m")


def table(keys, labels=None, **more):
    keys = np.asarray(keys)
    labels = np.arange(len(keys)) % 2 if labels is None else np.asarray(labels)
    return {"id": keys, "label": labels, "prediction": labels, **more}


def side(rows=None, **given):
    return ModelResults(MODEL, table=None if rows is None else rows, **{"recorded": {"f1": 0.5}, **given})


def joined(baseline, current, *, if_changed="reevaluate", again=None):
    return join(MODEL, baseline, current, if_changed=if_changed, again=again)


KEYS = [f"r{number}" for number in range(40)]


@pytest.mark.parametrize(
    ("baseline", "current", "how", "said"),
    [
        (side(table(KEYS)), side(table(KEYS)), "paired", ""),
        (None, side(table(KEYS)), "first", ""),
        (ModelResults(MODEL), side(table(KEYS)), "first", ""),
        (None, side(), "first", ""),
        (side(), side(), "unverified", ""),
        (side(table(KEYS)), side(), "invalid", "the current side has no predictions of m, and the baseline has"),
        (side(trouble="p.csv: gone"), side(), "invalid", "the current side has no predictions of m, and the baseline has"),
        (side(), side(table(KEYS)), "unverified", "the baseline has no predictions"),
        (side(trouble="p.csv: gone"), side(table(KEYS)), "invalid", "baseline: p.csv: gone"),
        (side(table(KEYS)), side(trouble="p.csv: gone"), "invalid", "p.csv: gone"),
        (side(table(KEYS)), ModelResults(MODEL), "invalid", "the current side has no results of m"),
        (side(table(KEYS)), None, "invalid", "the current side has no results of m"),
        (side(table(KEYS)), side(table(KEYS), stale=("train",)), "invalid", "train: stale"),
        (side(test="a"), side(test="b"), "unpaired", "the test set changed, and there are only single numbers"),
        (side(table(KEYS), test="a"), side(table(KEYS[1:]), test="a"), "invalid", "1 row of the baseline is missing"),
        (side(table(KEYS)), side(table(KEYS[1:])), "unpaired", "the test set changed (the rows are not the same: 1 row "),
        (side(table(KEYS)), side(table(KEYS, np.zeros(40))), "unpaired", "the test set changed (the labels differ in 20 of 40"),
        (side(table(KEYS), test="a"), side(table(KEYS), test="b"), "unpaired", "the test set changed"),
    ],
)
def test_how_rows_are_compared(baseline, current, how, said):
    found = joined(baseline, current)
    assert (found.how, said in found.trouble, bool(said)) == (how, True, bool(found.trouble))


def test_model_of_the_baseline_on_the_current_rows_is_compared_with():
    baseline, current = side(table(KEYS), test="a"), side(table(KEYS[:35]), test="b")
    found = joined(baseline, current, again=table(KEYS[34::-1], (np.arange(40) % 2)[34::-1]))
    assert (found.how, found.is_changed, found.trouble) == ("re-evaluated", True, "")
    assert joined(baseline, current, again=table(KEYS)).how == "invalid"
    found = joined(baseline, current, again=Notice("the model is gone", "dvc fetch it"))
    assert found.trouble.endswith("and the baseline's model was not judged on the new rows: the model is gone")
    assert found.settle == "dvc fetch it"
    assert joined(baseline, current, again=table(KEYS), if_changed="unpaired").how == "unpaired"
    assert joined(baseline, current, again=table(KEYS), if_changed="invalid").how == "invalid"


@given(st.permutations(range(12)))
def test_order_is_no_change(order):
    whole = table(KEYS[:12])
    shuffled = {name: column[list(order)] for name, column in whole.items()}
    assert digest(MODEL, whole) == digest(MODEL, shuffled)
    assert not is_changed(side(whole), side(shuffled))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=6),
)
def test_rows_count_as_changed_when_keys_or_labels_are_other_ones(one, other):
    tables = [table([row[0] for row in rows], [row[1] for row in rows]) for rows in (one, other)]
    assert is_changed(side(tables[0]), side(tables[1])) == (sorted(one) != sorted(other))


def test_whole_labels_of_another_type_are_no_change():
    assert digest(MODEL, table(KEYS, np.ones(40, int))) == digest(MODEL, table(KEYS, np.ones(40)))
    assert digest(MODEL, {"id": np.array(KEYS)}) == digest(MODEL, {"id": np.array(KEYS[::-1])})


def test_columns_that_decide_are_those_of_the_rules_and_paths_are_the_sides_own():
    deciding = parse({"mlgit": 1, "models": {"m": {"predictions": "old.csv", "id": "key", "positive": "yes"}}})
    own = parse({"mlgit": 1, "models": {"m": {"predictions": "new.csv", "id": "id", "label": "prediction"}, "n": {"id": "i"}}})
    found = asked(deciding, own)
    assert (found["m"].predictions, found["m"].id, found["m"].label, found["m"].positive) == ("new.csv", "key", "label", "yes")
    assert found["n"].id == "i"
    assert asked(deciding, None) == deciding.models
    assert asked(Config(), own) == own.models


def test_only_columns_that_are_needed_are_read():
    rules = "rules: [{id: a, kind: gap, metric: f1, max: 0.1, slices: {by: [sex, [sex, region]]}}]"
    gates = parse_gates(parse_yaml(rules, name="mlgit.yaml"))
    wanted, names = columns(MODEL, rules=gates.rules, cluster="patient")
    assert names == {"id", "sex", "region", "patient"}
    assert wanted == names | {"label", "prediction", "score"}


def test_hostile_keys_do_not_break_the_digest():
    assert digest(MODEL, table([NASTY, "", "b\0c"])) == digest(MODEL, table(["", NASTY, "b\0c"], [1, 0, 0]))


def test_text_that_moves_from_keys_to_labels_changes_the_digest():
    split = [(["a", "b\0c"], ["d", "e"]), (["a\0b", "c"], ["d", "e"]), (["a", "b"], ["c\0d", "e"]), (["a", "b"], ["c", "d\0e"])]
    assert len({digest(MODEL, {"id": np.array(keys), "label": np.array(labels)}) for keys, labels in split}) == 4


def test_rows_of_several_blocks_may_stand_in_any_order():
    keys = np.arange(150_000)
    assert digest(MODEL, {"id": keys, "label": keys % 7}) == digest(MODEL, {"id": keys[::-1], "label": keys[::-1] % 7})


def test_without_a_key_the_line_to_add_is_named():
    nameless = replace(MODEL, id="")
    sides = [ModelResults(nameless, table=table(KEYS)) for _ in range(2)]
    found = join(nameless, *sides, if_changed="reevaluate")
    assert (found.how, found.trouble) == ("invalid", "models.m.id names no column to align rows by")
    assert found.settle.startswith("add models.m.id to mlgit.yaml")


def seeds(*wrong):
    """A side with a file for each number of wrong rows."""
    declared = {"predictions": "s*.csv", "repeats": "seeds", "id": "id"}
    model = parse({"mlgit": 1, "models": {"m": declared}}).model("m")
    key = np.arange(40)
    files = [table(key) | {"prediction": np.where(key < each, 1 - key % 2, key % 2)} for each in wrong]
    shared = {"id", "label"}
    return ModelResults(model, table=prediction_files.joined(model, files, [f"{each}.csv" for each in wrong], shared=shared))


@pytest.mark.parametrize("copies", [(1, 1, 1, 1, 1), (1, 1, 1, 1, 2)])
def test_copies_of_a_lucky_seed_are_no_seeds(copies):
    sides = seeds(5, 4, 3, 2, 1), seeds(*copies)
    found = join(sides[1].model, *sides, if_changed="reevaluate")
    assert found.is_void
    assert "cop" in found.trouble
    assert found.trouble.endswith("of them, and the baseline has 5: that says nothing of the recipe")


def test_seeds_that_are_copies_are_told():
    sides = seeds(5, 4, 3, 2), seeds(1, 1, 2, 3)
    found = join(sides[1].model, *sides, if_changed="reevaluate")
    assert found.how == "paired"
    told = "1 of 4 files of predictions say in every row what another one says: is the seed used?"
    assert row_changes.remarks(found) == [told]


@pytest.mark.parametrize("key", ["weight", "query", "cluster", "order"])
def test_what_no_model_has_a_say_in_is_the_same_on_both_sides(key):
    declared = {"predictions": "p.csv", "id": "id", key: "fact"}
    model = parse({"mlgit": 1, "models": {"m": declared}}).model("m")
    sides = [ModelResults(model, table=table(KEYS, fact=np.arange(40) // each)) for each in (4, 4, 2)]
    assert join(model, *sides[:2], if_changed="reevaluate").how == "paired"
    found = join(model, *sides[1:], if_changed="reevaluate")
    assert (found.how, found.trouble) == ("invalid", "fact is not the same on both sides")
    assert found.settle == "change fact in a pull request of its own"


ODD_KEYS = st.lists(st.sampled_from(["a", "b", "ab", "é", "1", "10", "9", "a\0b"]), min_size=1, max_size=6)


@given(ODD_KEYS, st.sampled_from(["yes", "no\0"]), st.booleans())
def test_digest_is_the_same_of_texts_that_lie_in_arrow(keys, odd, is_sorted):
    keys = sorted(set(keys), key=lambda key: (len(key), key)) if is_sorted else keys
    labels = np.array([odd if place % 2 else "yes" for place in range(len(keys))], dtype=object)
    texts, codes = textcolumns.ArrowTexts(pa.chunked_array([keys], type=pa.string())), coded(labels)[0]
    assert digest(MODEL, {"id": texts, "label": codes}) == digest(MODEL, {"id": np.array(keys, dtype=object), "label": labels})


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=9, unique=True))
def test_digest_of_numbers_is_that_of_their_texts(keys):
    label = np.arange(len(keys)) % 3
    texts = np.array([str(key) for key in keys], dtype=object)
    numbers = digest(MODEL, {"id": np.array(keys), "label": label})
    assert numbers == digest(MODEL, {"id": texts, "label": label}) == digest(MODEL, {"id": texts, "label": label.astype(float)})
    assert digest(MODEL, {"id": np.sort(keys), "label": np.zeros(len(keys))}).startswith(f"{len(keys):x}-")


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, "add a column that tells them apart, and write models.m.id: [id, COLUMN]"),
        ({"query": "id"}, "models.m.id: [id, try]"),
    ],
)
def test_key_that_names_several_rows_is_said_to_lack_a_column(declared, said):
    model = parse({"mlgit": 1, "models": {"m": {"predictions": "p.csv", "id": "id", **declared}}}).model("m")
    tries = [each for each in KEYS for _ in range(5)]
    sides = [ModelResults(model, table=table(tries, labels), test="") for labels in ([0, 1] * 100, [1, 0] * 100)]
    found = join(model, *sides, if_changed="reevaluate")
    assert said in found.settle
    assert "more than once" in found.trouble
