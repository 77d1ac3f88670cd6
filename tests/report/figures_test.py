"""Numbers as a reviewer sees them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.report import figures, mermaid
from mlgit.report.document import Line, Plot


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
    assert figures.decimals(low, high) == digits


@pytest.mark.parametrize(
    ("number", "digits", "shown"),
    [(-0.0189, 3, "−0.019"), (0.0, 3, "0.000"), (-0.0001, 2, "0.00"), (None, 2, "–"), (0.5, None, "0.5"), (math.inf, 2, "inf")],
)
def test_values(number, digits, shown):
    assert figures.value(number, digits) == shown


@pytest.mark.parametrize(
    ("number", "digits", "shown"), [(0.0031, 3, "+0.003"), (-1.0, 1, "−1.0"), (0.0001, 2, "0.00"), (0, 1, "0.0")]
)
def test_differences_have_a_sign(number, digits, shown):
    assert figures.signed(number, digits) == shown


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(), st.floats())
def test_every_number_can_be_shown(number, low, high):
    digits = figures.decimals(low, high)
    assert figures.value(number, digits)
    assert figures.signed(number, digits)


@given(st.text(max_size=30), st.lists(st.floats(), max_size=300), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_mermaid_chart_is_made_of_harmless_lines(title, numbers, first, last):
    chart = mermaid.chart(Plot(title, (Line(title, tuple(numbers)),) * 9, title, title, first, last))
    assert len(chart) < 12_000
    assert "`" not in chart
    assert "inf" not in chart.replace(title, "")
    rows = chart.split("\n")
    assert rows[0] == "xychart-beta" or (len(rows) == 1 and rows[0].startswith("%%"))
    assert all(row.startswith(("  title ", "  x-axis ", "  y-axis ", "  line [")) for row in rows[1:])
