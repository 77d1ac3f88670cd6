"""Numbers as a reviewer sees them."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.render import text
from mlgit.report import html, markdown, mermaid, numbers
from mlgit.report.document import Line, Plot
from tests.report.samples import FULL


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [
        (-0.027, -0.011, 3),
        (-2.1, 1.6, 1),
        (-0.0012, 0.0071, 3),
        (-50, 50, 0),
        (-15, 15, 0),
        (0, 1e-9, 10),
        (1, 1, None),
        (0, 5e-324, None),
        (None, 1, None),
    ],
)
def test_an_interval_decides_how_many_digits_are_shown(low, high, digits):
    assert text.decimals(low, high) == digits


@pytest.mark.parametrize(
    ("number", "digits", "shown"),
    [(-0.0189, 3, "−0.019"), (0.0, 3, "0.000"), (-0.0001, 2, "0.00"), (None, 2, "–"), (0.5, None, "0.5"), (math.inf, 2, "inf")],
)
def test_values(number, digits, shown):
    assert numbers.value(number, digits) == shown


@pytest.mark.parametrize(
    ("number", "digits", "shown"), [(0.0031, 3, "+0.003"), (-1.0, 1, "−1.0"), (0.0001, 2, "0.00"), (0, 1, "0.0")]
)
def test_differences_have_a_sign(number, digits, shown):
    assert numbers.signed(number, digits) == shown


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(), st.floats())
def test_every_number_can_be_shown(number, low, high):
    digits = text.decimals(low, high)
    assert numbers.value(number, digits)
    assert numbers.signed(number, digits)


ITEM = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"  # what Mermaid's lexer takes for a number: no exponents
WORDS = r"\"[^\"\n]+\""
CHART = re.compile(
    rf"xychart-beta\n  title {WORDS}\n  x-axis (?:{WORDS} )?{ITEM} --> {ITEM}(?:\n  y-axis {WORDS})?"
    rf"(?:\n  line \[{ITEM}(?:, {ITEM})+\])+"
)


@given(
    st.text(max_size=30),
    st.lists(st.lists(st.none() | st.floats() | st.floats(-1, 1), max_size=300), max_size=9),
    st.floats(),
    st.none() | st.floats(),
)
def test_a_mermaid_chart_is_what_mermaid_reads(title, numbers, first, last):
    chart = mermaid.chart(Plot(title, tuple(Line(title, tuple(each)) for each in numbers), title, title, first, last))
    assert chart == "" or CHART.fullmatch(chart)
    assert len(chart) <= mermaid.LONGEST


def lines_of(plot):
    chart = mermaid.chart(plot)
    axis = re.search(r"x-axis (.*)", chart)[1]
    return axis, [[float(each) for each in row.split(",")] for row in re.findall(r"line \[(.*)\]", chart)], chart


def test_numbers_of_a_chart_have_no_exponent():
    assert lines_of(Plot("rate", (Line("main", (1e-5, 123456.0, -0.0, 2.5)),)))[1] == [[0.00001, 123460, 0, 2.5]]
    assert "0.00001, 123460, 0, 2.5" in mermaid.chart(Plot("rate", (Line("main", (1e-5, 123456.0, -0.0, 2.5)),)))


def test_a_curve_that_ends_earlier_is_not_stretched():
    plot = Plot(
        "loss", (Line("main", (5.0, 4.0, 3.0, 2.0, 1.0)), Line("now", (9.0, 8.0, 7.0, None, None))), "epoch", "", 10, 50
    )
    axis, lines, chart = lines_of(plot)
    assert (axis, lines) == ('"epoch" 10 --> 30', [[5, 4, 3], [9, 8, 7]])
    assert "from 10 to 30, where all have values" in chart


def test_a_gap_within_a_curve_is_bridged_in_its_place():
    plot = Plot("loss", (Line("main", (4.0, None, math.nan, 1.0)), Line("now", (9.0, 8.0, 7.0, 6.0))))
    assert lines_of(plot)[1] == [[4, 3, 2, 1], [9, 8, 7, 6]]


def test_a_long_curve_is_thinned_out_evenly():
    axis, lines, _ = lines_of(Plot("loss", (Line("main", tuple(map(float, range(1000)))),)))
    steps = {round(after - before, 1) for before, after in itertools.pairwise(lines[0])}
    assert (axis, lines[0][0], lines[0][-1]) == ("1 --> 1000", 0, 999)
    assert max(steps) - min(steps) < 0.2


@pytest.mark.parametrize(
    "lines", [((1.0, 2.0, None, None), (None, None, 1.0, 2.0)), ((1e300, 2.0),), ((1.0,),), ((None, math.nan),), ()]
)
def test_what_has_no_two_places_is_not_drawn(lines):
    plot = Plot("a|b", tuple(Line("main", each) for each in lines))
    assert mermaid.chart(plot) == ""
    body = markdown.comment(replace(FULL, plots=(plot,)))
    assert "a&#124;b&#58; its lines have no two places" in body
    assert "mermaid" not in body


def test_a_curve_stands_in_its_place_on_a_page():
    page = html.page(replace(FULL, plots=(Plot("loss", (Line("a", (1.0, 2.0, 3.0)), Line("b", (None, 2.0, 3.0)))),)))
    first, second = re.findall(r'points="([^"]*)"', page)
    assert first.split(" ")[1:] == second.split(" ")
