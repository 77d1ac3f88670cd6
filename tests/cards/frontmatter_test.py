"""The block at the top of a card: found where it is one, and nowhere else."""

from __future__ import annotations

import pytest

from mlgit.cards import frontmatter


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("---\na: 1\n---\n# x\n", "a: 1\n"),
        ("---\na: 1\nb: '---'\n---\n---\nc: 2\n---\n", "a: 1\nb: '---'\n"),
        ("# x\n---\na: 1\n---\n", ""),
        ("\n---\na: 1\n---\n", ""),
        ("---\na: 1\n", ""),
        ("# x\n", ""),
        ("", ""),
    ],
)
def test_front_matter_is_what_stands_between_the_lines_at_the_top(text, block):
    assert frontmatter.split(text) == block


@pytest.mark.parametrize(
    "document", [None, [], "text", {}, {"mlgit": None}, {"mlgit": {}}, {"mlgit": {"card": "1"}}, {"license": "mit"}]
)
def test_card_of_other_making_has_no_block_of_mlgits(document):
    assert frontmatter.own(document) == {}


@pytest.mark.parametrize(("version", "expected"), [(frontmatter.VERSION, False), (frontmatter.VERSION + 1, True), (0, True)])
def test_card_of_another_layout_is_known_by_its_number(version, expected):
    assert frontmatter.is_of_another_layout(frontmatter.own({"mlgit": {"card": version}})) is expected


def test_card_without_a_block_is_of_no_layout():
    assert not frontmatter.is_of_another_layout({})


def test_digest_tells_values_apart_and_not_the_order_of_their_keys():
    one = frontmatter.digest({"a": 1, "b": {"c": [1, "x"], "d": None}})
    assert one == frontmatter.digest({"b": {"d": None, "c": [1, "x"]}, "a": 1})
    assert one != frontmatter.digest({"a": 1, "b": {"c": ["x", 1], "d": None}})
