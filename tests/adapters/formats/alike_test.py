"""Texts that differ in plain values only are read as the parser would."""

from __future__ import annotations

import random

import pytest

from mlgit.adapters.formats import yaml12
from mlgit.adapters.formats.alike import AlikeTexts
from mlgit.errors import MlgitError
from mlgit.revision.values import parameter_values
from tests.kit import FULL

TEXT = """\
# words: 1
train:
  lr: 0.1  # how fast
  depth: 3
  kind: tree
  layers: [1, 2]
  inner: {a: 1, b: x}
quoted: "0.1"
text: |
  lr: 5
on: true
"""


def test_values_of_a_text_that_is_alike():
    found = AlikeTexts(TEXT).values(TEXT.replace("0.1  #", "1e-5  #").replace("tree", "0x1f"))
    assert found == {"train.lr": 1e-5, "train.depth": 3, "train.kind": 31, "train.inner.a": 1, "train.inner.b": "x", "on": True}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.1  #", "[0.1]  #"),
        ("0.1  #", "0.1 #"),
        ("lr: 5", "lr: 6"),
        ('"0.1"', '"0.2"'),
        ("[1, 2]", "[1, 3]"),
        ("tree", "'t'"),
    ],
)
def test_other_differences_are_left_to_the_parser(old, new):
    assert AlikeTexts(TEXT).values(TEXT.replace(old, new)) is None


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: *x\n",
        "a: !!str 1\n",
        "%YAML 1.1\n---\na: on\n",
        "",
        "- a\n",
        "a: 1\na.b: 2\n'a': 3\n",
        "b: {a: 1}\nb.a: 2\n",
    ],
)
def test_text_in_which_a_value_may_mean_more_is_like_none(text):
    found = AlikeTexts(text)
    assert found.values(text) in (None, {"a": 1, "a.b": 2})
    assert not ("&" in text or "!" in text or "%" in text) or found.values(text) is None


_TOKENS = [
    "1",
    "0.5",
    "x",
    "true",
    "~",
    "null",
    "012",
    "1_0",
    "1e5",
    "-1",
    "+2",
    ".5",
    "a-b",
    "on",
    "2020-01-01",
    "-",
    "a:b",
    "a: b",
]


def test_whatever_is_taken_is_what_the_parser_makes_of_it():
    rng = random.Random(5)
    first = AlikeTexts(TEXT)
    taken = 0
    for _ in range(5000 if FULL else 600):
        text = TEXT
        for old in rng.sample(["0.1", "3", "tree", "x", "true", "1"], 3):
            text = text.replace(old, rng.choice(_TOKENS), 1)
        found = first.values(text)
        if found is None:
            continue
        taken += 1
        try:
            parsed = parameter_values(yaml12.parse(text, name=""), ())
        except MlgitError:
            pytest.fail(f"taken, and refused by the parser: {text}")
        assert {
            **parsed,
            **{
                name: str(value) if not isinstance(value, (int, float, str, type(None))) else value
                for name, value in found.items()
            },
        } == parsed
    assert taken > 50
