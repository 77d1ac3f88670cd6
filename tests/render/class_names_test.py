"""Names along the sides of a matrix: none is cut that a person would call a class."""

import re

import pytest

from mlgit.cards import plots
from mlgit.diff.plot_points import PlotSeries
from mlgit.render import class_names
from mlgit.report import plot_drawing

CLASSES = ("scikit-learn", "numpy", "pandas", "Invasive ductal carcin.", "情感分析")


def in_card(classes):
    return plots.confusion(classes, [[1] * len(classes) for _ in classes])


def in_diff(classes):
    series = PlotSeries("main", "c.csv", "label", tuple((each, each) for each in classes))
    drawn, _ = plot_drawing.draw(
        [series], template="confusion", title="", labels=("prediction", "label"), sides=("main", "workspace")
    )
    return drawn[0]


@pytest.mark.parametrize("draw", [in_card, in_diff])
@pytest.mark.parametrize("n_classes", [2, 5, 12])
def test_each_class_is_named_in_full_at_the_left_and_below(draw, n_classes):
    classes = [*CLASSES, *(f"class number {number}" for number in range(7))][:n_classes]
    drawn = draw(classes)
    assert [drawn.count(f">{each}</text>") for each in classes] == [2] * n_classes


@pytest.mark.parametrize("draw", [in_card, in_diff])
def test_names_are_turned_only_where_their_columns_are_too_narrow(draw):
    assert "rotate(-45)" not in draw(["benign", "malignant"])
    assert draw(["scikit-learn", *"abcd"]).count("rotate(-45)") == 5


@pytest.mark.parametrize("draw", [in_card, in_diff])
def test_what_is_drawn_stays_on_the_drawing(draw):
    longest = "W" * 24
    drawn = draw([longest, *"abcdefghijk"])
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn).groups())
    room = class_names.room([longest], size=12)
    turned = [tuple(map(float, each)) for each in re.findall(r"translate\(([\d.]+) ([\d.]+)\) rotate\(-45\)", drawn)]
    assert all(x - room * 0.71 >= 0 and y + room * 0.71 <= height and x <= width for x, y in turned)


def test_a_very_long_name_is_cut_and_told_in_full_to_who_listens():
    drawn = in_card(["a" * 80, "b"])
    assert f">{'a' * 23}…</text>" in drawn
    assert f"Truth {'a' * 80}: " in drawn
