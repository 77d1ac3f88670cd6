"""SVG: whatever the words are, one well-formed drawing with a name; whatever the numbers are, a place inside the frame."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.render import svg
from mlgit.render.svg import Frame
from mlgit.render.text import plain

WORDS = st.text(max_size=20)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SVG = "{http://www.w3.org/2000/svg}"


@given(WORDS, WORDS)
def test_element_holds_any_words_as_text_and_attribute(words, attribute):
    found = ElementTree.fromstring(svg.element("text", {"class": attribute}, words))
    assert (len(found), found.tag) == (0, "text")
    assert found.get("class", "") == plain(attribute).replace("\t", " ")


def test_lengths_have_one_digit_whole_ones_none_and_empty_attributes_are_left_out():
    assert svg.element("rect", {"x": 1.25, "y": 2, "class": ""}) == '<rect x="1.2" y="2"/>'


@given(WORDS, WORDS)
def test_drawing_has_a_name_and_a_description(title, description):
    drawing = svg.file([], width=10, height=20, title=title, description=description, style="text{}")
    found = ElementTree.fromstring(drawing)
    assert [each.tag for each in found] == [f"{SVG}title", f"{SVG}desc", f"{SVG}style"]
    assert (found.get("role"), found.get("aria-labelledby")) == ("img", "t d")


def test_drawing_inside_a_page_has_its_title_as_label():
    found = ElementTree.fromstring(svg.inside_page([], width=10, height=20, title='a "b"', description="c"))
    assert (found.get("aria-label"), found.find("desc").text) == ('a "b"', "c")


@given(st.tuples(FINITE, FINITE).filter(lambda ends: ends[1] / 2 > ends[0] / 2), st.floats(0, 1))
def test_values_between_the_ends_stay_inside_the_frame(ends, share):
    frame = Frame(left=10, top=20, width=100, height=50, across=ends, up=ends)
    value = min(max(ends[0] * (1 - share) + ends[1] * share, ends[0]), ends[1])
    x, y = frame.spot(value, value)
    assert 9.999 <= x <= 110.001
    assert 19.999 <= y <= 70.001


def test_frame_has_the_least_value_at_the_bottom_left():
    frame = Frame(left=10, top=20, width=100, height=50, across=(0, 2), up=(-1, 1))
    assert frame.path([(0, -1), (1, 0), (2, 1)]) == "M10.0 70.0 L60.0 45.0 L110.0 20.0"


@pytest.mark.parametrize(("words", "shown"), [("short", "short"), ("exactly8", "exactly8"), ("much longer", "much lo…")])
def test_long_words_are_cut(words, shown):
    assert svg.clipped(words, 8) == shown
