"""The grammar of `--filter`."""

from __future__ import annotations

import math

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments import trial_filter

VALUES = {
    "auc": 0.9,
    "train.lr": 0.1,
    "name": "C-0.2",
    "flag": True,
    "nothing": None,
    "lost": math.nan,
    "odd name": 3,
    "f.json:auc": 1,
    "text": "or",
    "list": [1, 2],
}


def holds(text):
    return trial_filter.parse(text).holds(lambda name: (name in VALUES, VALUES.get(name)))


@pytest.mark.parametrize(
    "text",
    [
        "auc>=0.9",
        "auc >= .9 and train.lr<0.2",
        "auc<0.5 or train.lr=1e-1",
        "not auc<0.5",
        "not not auc>0.5",
        "(auc<0.5 or auc>0.8) and name ~ C-*",
        "name == 'C-0.2'",
        'name != "D"',
        "flag == true",
        "nothing == null",
        "`odd name` > 2",
        "f.json:auc == 1",
        'text == "or"',
        "list == '[1, 2]'",
        "auc > 0.1 or auc > 2 and auc > 3",
    ],
)
def test_condition_holds(text):
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "auc>0.9",
        "auc<1 and auc>2",
        "name ~ D*",
        "missing > 0",
        "missing != 1",
        "lost < 1",
        "lost != 1",
        "name > 1",
        "flag == 1",
        "not auc > 0.5 and auc > 0.5",
        "(auc > 0.1 or auc > 2) and auc > 3",
    ],
)
def test_condition_does_not_hold(text):
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at its end: the name of a column expected"),
        ("auc", "at its end: one of >= <= > < == != ~ behind 'auc' expected"),
        ("auc >", "at its end: a value behind 'auc >' expected"),
        ("(auc > 1", "at its end: a bracket is not closed"),
        ("auc > 1 lr > 2", "at 'lr > 2': 'and' or 'or' expected"),
        ("auc > 1 and", "at its end: the name of a column expected"),
        ("> 1", "at '> 1': the name of a column expected"),
        ("name == 'C", "at ''C': not understood"),
        ("(" * 60 + "a>1", "nested too deeply"),
        ("a" * 1001, "1,001 characters"),
    ],
)
def test_fault_is_told_with_its_place(text, said):
    with pytest.raises(MlgitError) as refused:
        trial_filter.parse(text)
    assert said in refused.value.message


def test_columns_are_named_once():
    assert trial_filter.parse("auc>1 or `odd name`<2 and auc<3").columns == ("auc", "odd name")
