"""Plots of two sides as drawings: every template of DVC, whatever the values are."""

from __future__ import annotations

import re

import pytest
from dvc_render.vega_templates import TEMPLATES

from mlgit.diff.plot_points import PlotSeries
from mlgit.report import plot_drawing, plots_page
from mlgit.report.plots_page import ComparedPlot, PlotImage
from tests.report.hostile import TEXTS
from tests.report.html_test import check_inert

SIDES = ("main", "workspace")


def plot(template="linear", *, points=((0, 1), (1, 3), (2, 2)), labels=("x", "y"), **given):
    series = tuple(PlotSeries(side, "a.csv", "y", points) for side in SIDES)
    return ComparedPlot("a.csv", "A", template, *labels, **{"series": series, **given})


def page(*plots):
    return plots_page.page(plots, sides=SIDES)


@pytest.mark.parametrize("template", [each.DEFAULT_NAME for each in TEMPLATES])
def test_every_template_of_dvc_is_drawn(template):
    found = page(plot(template))
    check_inert(found)
    assert "not one of DVC's own" not in found
    assert found.count("<svg") == (2 if template.startswith("confusion") else 1)


def test_other_template_is_drawn_as_lines_and_told():
    assert "template mine.json is not one of DVC&#x27;s own: drawn as lines" in page(plot("mine.json"))


NUMBERS = [
    ((0, 1e300), (1, -1e300)),
    ((0, 5e-324), (0, 5e-324)),
    ((1, 1),),
    ((0, "nan"), (1, "inf"), (2, "x")),
    ((None, None),),
    (),
]


@pytest.mark.parametrize("points", NUMBERS, ids=range(len(NUMBERS)))
@pytest.mark.parametrize("template", ["linear", "smooth", "scatter", "bar_horizontal", "confusion", "confusion_normalized"])
def test_whatever_the_values_are_the_page_is_sound(template, points):
    check_inert(page(plot(template, points=points)))


def test_values_that_are_no_numbers_are_told():
    assert "1 of 3 values of y are no numbers" in page(plot(points=((0, 1), (1, "n/a"), (2, 2))))
    assert "no number, so values are in the order of their rows" in page(plot(points=(("mon", 1), ("tue", 2))))


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_text_is_more_than_text(text):
    series = (PlotSeries("main", text, text, ((text, text), (1, 2))), PlotSeries("workspace", "b", "c", ((1, 2), (2, 3))))
    image = PlotImage("main", f"{text}.png", text.encode(errors="replace"))
    for template in ("linear", "confusion", "bar_horizontal"):
        check_inert(page(ComparedPlot(text, text, template, text, text, series, (image,), (text,))))


def test_sides_are_told_apart_by_more_than_colour():
    lines = re.findall(r"<polyline [^>]*>", page(plot()))
    assert [re.search(r'stroke-width="([^"]+)"', line)[1] for line in lines] == ["1.5", "2.5"]
    marks = page(plot("scatter"))
    assert marks.count("<circle") == 3 + 1
    assert marks.count("<rect") == 3 + 1


def test_matrix_counts_rows_by_y_and_columns_by_x_with_the_same_classes_on_both_sides():
    one = PlotSeries("main", "c", "y", (("cat", "cat"), ("cat", "dog"), ("cat", "dog")))
    other = PlotSeries("workspace", "c", "y", (("bird", "bird"),))
    found = page(plot("confusion", series=(one, other)))
    assert "bird: 0 as bird, 0 as cat; cat: 0 as bird, 1 as cat; dog: 0 as bird, 2 as cat" in found
    assert found.count(">bird</text>") == 4
    assert ">.67<" not in found
    assert ">.50<" in page(plot("confusion_normalized", points=(("a", "b"), ("b", "b"))))


def test_curve_of_rates_is_a_square():
    points = ((0, 0), (0, 0.5), (1, 1))
    assert 'points="62.0,360.0 62.0,194.0 394.0,28.0"' in page(plot(points=points, labels=("fpr", "tpr")))


def test_smooth_line_keeps_a_straight_one_and_evens_out_a_jagged_one():
    straight = [(float(at), 2.0 * at) for at in range(20)]
    assert [y for _, y in plot_drawing._smoothed(straight)] == pytest.approx([y for _, y in straight], abs=1e-9)
    jagged = [(float(at), float(at % 2)) for at in range(20)]
    assert all(0.2 < y < 0.8 for _, y in plot_drawing._smoothed(jagged)[3:-3])


def test_images_stand_side_by_side_and_what_is_not_there_is_told():
    found = page(plot(series=(), images=(PlotImage("main", "a.png", b"\x89PNG"),)))
    assert found.count('src="data:image/png;base64,iVBORw=="') == 1
    assert "workspace</figcaption><p>not there</p>" in found
