"""What is to be said of a trial that was picked, and the trailer that it is kept in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.experiments import promotion_message, selection
from mlgit.experiments.selection import TRAILER, Selection

ALONE = Selection("C-0.2-7f3a1c", "b" * 40, 1)
PICKED = replace(
    ALONE,
    n_trials=20,
    rank=1,
    sampler="random",
    space=("train.C=0.01..10/log", "train.l1=0..1.0"),
    seed=3,
    objective="roc_auc",
    direction="higher",
    changes={"train.C": 0.2},
    value=0.9512,
    before=0.9431,
)
BY_ROWS = replace(
    PICKED,
    low=0.0021,
    high=0.0141,
    confidence_level=0.9,
    method="DeLong",
    n_compared=20,
    n_rows=569,
    low_of_all=-0.001,
    high_of_all=0.0172,
    pvalue=0.12,
    optimism=0.0031,
)


def test_trial_of_many_by_rows_is_told_in_three_sentences():
    assert selection.told(BY_ROWS) == (
        "Trial C-0.2-7f3a1c, the best of 20 trials by roc_auc (higher is better), drawn at random from "
        "train.C=0.01..10/log, train.l1=0..1.0, seed 3.",
        "roc_auc is 0.9512, that of the baseline 0.9431: +0.0081 [+0.0021, +0.0141] (90 % interval, 5 % a side, "
        "paired on 569 rows).",
        "Heeding that it was picked: [-0.0010, +0.0172] holds for all 20 at once; were none better than the baseline, the best "
        "of them would look as good with chance 0.12; picking the best makes it look better by 0.0031 on average.",
    )


def test_recorded_numbers_are_called_so():
    told = selection.told(replace(PICKED, why_not="mlgit.yaml names no predictions of a model"))
    assert told[1].endswith(": +0.0081, of recorded numbers, without an interval.")
    assert told[2] == (
        "Recorded numbers, picked from 20: the best of many looks better than it is, and by how much is not known: mlgit.yaml "
        "names no predictions of a model."
    )


def test_trial_that_was_made_alone_was_not_picked():
    assert selection.told(ALONE) == ("Trial C-0.2-7f3a1c.",)
    assert len(selection.told(replace(BY_ROWS, n_trials=1, n_compared=1))) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rank": 3}, "number 3 of 20 trials by roc_auc"),
        ({"rank": None}, "one of 20 trials"),
        ({"sampler": "grid"}, "every setting of train.C"),
        ({"sampler": "tpe"}, "sought by TPE in train.C"),
        ({"sampler": "else"}, "searched in train.C"),
        ({"space": ()}, "by roc_auc (higher is better)."),
        ({"before": None}, "the baseline has none"),
        ({"n_compared": 12}, "holds for the 12 that have these rows at once"),
        ({"pvalue": 0.0001}, "with chance below 0.001"),
        ({"direction": "lower"}, "(lower is better)"),
    ],
)
def test_words_follow_what_is_known(change, said):
    assert said in " ".join(selection.told(replace(BY_ROWS, **change)))


@pytest.mark.parametrize("kept", [ALONE, PICKED, BY_ROWS, replace(PICKED, changes={"a": [1, None, "ü\n"]})])
def test_trailer_is_read_as_it_was_written(kept):
    line = selection.trailer(kept)
    assert "\n" not in line
    assert selection.read(f"Set it\n\nwords\n\n{line}\n") == kept


def test_message_without_a_trailer_tells_of_none():
    assert selection.read("Set it\n") is None


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "[" * 10_000,
        '{"schema": 2}',
        '{"schema": 1}',
        '{"schema": 1, "trial": "a", "baseline": "b", "n_trials": 0}',
        '{"schema": 1, "trial": 3, "baseline": "b", "n_trials": 3}',
        '{"schema": 1, "trial": "a", "baseline": "b", "n_trials": "' + "9" * 70_000 + '"}',
    ],
)
def test_trailer_that_is_no_longer_whole_tells_of_none(document):
    assert selection.read(f"{TRAILER}: {document}\n") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(list(PICKED.document())), JSON))
def test_anything_in_a_trailer_is_read_and_told(changed):
    line = f"{TRAILER}: {json.dumps({**BY_ROWS.document(), **changed})}"
    found = selection.read(line)
    if found is not None:
        assert all(isinstance(each, str) for each in selection.told(found))
        assert selection.read(selection.trailer(found)) == found


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"train.C": 0.2}, "Set train.C to 0.2"),
        ({"a": 1, "b": True, "c": "x"}, "Set a to 1, b to true and c to x"),
        ({"conf/net.yaml:width": 64}, "Set width to 64"),
        ({"conf/net.yaml:width": 64, "width": 3}, "Set conf/net.yaml:width to 64 and width to 3"),
        (
            {f"section.parameter_{number}": number for number in range(5)},
            "Set section.parameter_0 to 0 and 4 more parameters",
        ),
        ({"x" * 80: 1}, "Take over the trial C-0.2-7f3a1c"),
        ({}, "Take over the trial C-0.2-7f3a1c"),
        ({"a": "x\ny"}, "Set a to x\\ny"),
        ({"a": ""}, 'Set a to ""'),
    ],
)
def test_title_says_what_was_set(changes, title):
    written = promotion_message.write(replace(BY_ROWS, changes=changes))
    assert written.split("\n\n")[0] == title
    assert max(map(len, written.partition(f"\n{TRAILER}")[0].splitlines())) <= 72


def test_message_of_the_user_comes_first():
    written = promotion_message.write(BY_ROWS, title="Regularise less\n\nAs Ada proposed.\n")
    assert written.startswith("Regularise less\n\nAs Ada proposed.\n\nTrial C-0.2-7f3a1c, the best of 20")
    assert selection.read(written) == BY_ROWS


def test_what_picking_the_best_does_is_told_of_the_best_only():
    assert "picking the best" in selection.told(BY_ROWS)[2]
    assert "picking the best" not in selection.told(replace(BY_ROWS, rank=2))[2]
