"""Pipelines as pictures: boxes that no edge runs behind, arrowheads, names that can be read, in light and dark."""

from __future__ import annotations

import random
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from mlgit.pipeline import graph_svg
from mlgit.pipeline.graph_layout import Layout, layered
from tests.kit import FULL
from tests.kit.contrast import schemes, worst

DIAMOND = [(0, 1), (0, 2), (1, 3), (2, 3)]


def shapes() -> dict[str, tuple[int, list[tuple[int, int]]]]:
    """Graphs by name: how many stages, and the edges."""
    some = random.Random(7)
    sparse = sorted({(some.randrange(max(0, at - 30), at), at) for at in range(1, 120) for _ in range(3)})
    fan = [*((0, at) for at in range(1, 299)), *((at, 299) for at in range(1, 299))]
    grid = [*((0, 3 * at + 1) for at in range(40)), *((at, at + 1) for at in range(1, 120) if at % 3)]
    skip = [*((at, at + 1) for at in range(29)), *((0, at) for at in range(2, 30)), *((at, 29) for at in range(1, 28))]
    all_of = [(one, at) for at in range(12) for one in range(at)]
    shown = {"diamond": (4, DIAMOND), "chains": (121, grid), "fan": (300, fan), "skipping": (30, skip), "all": (12, all_of)}
    return shown | {"one": (1, []), "none": (0, []), "apart": (50, []), "sparse": (120, sparse)}


def drawn(count: int, edges: list[tuple[int, int]]) -> Layout:
    return layered({at: (40.0 + 37 * (at % 5), 33.0 + 17 * (at % 3)) for at in range(count)}, edges)


def crossed(found: Layout) -> list[int]:
    """The boxes within which a point of an edge lies; edges are drawn as curves that are upright at both ends."""
    hit = []
    for run in found.runs:
        for step in range(1, 20):
            t = step / 20
            x = run.x + (run.end_x - run.x) * (3 * t * t - 2 * t * t * t)
            y = run.y + (run.end_y - run.y) * t
            hit += [
                number for number, box in found.boxes.items() if 0 < x - box.left < box.width and 0 < y - box.top < box.height
            ]
    return hit


@pytest.mark.parametrize(
    "shape", ["diamond", "skipping", "all", "one", "none", "apart", *(["chains", "sparse"] if FULL else [])]
)
def test_no_edge_runs_behind_a_box_and_no_box_over_another(shape):
    found = drawn(*shapes()[shape])
    assert crossed(found) == []
    boxes = sorted(found.boxes.values(), key=lambda box: (box.top, box.left))
    assert all(a.top + a.height <= b.top or a.left + a.width <= b.left for a, b in pairwise(boxes))
    inside = [box.left >= 0 and box.left + box.width <= found.width and box.top + box.height <= found.height for box in boxes]
    assert all(inside)


def test_diamond_looks_like_one():
    top, left, right, bottom = (drawn(4, DIAMOND).boxes[number] for number in range(4))
    assert top.top < left.top == right.top < bottom.top
    middles = [box.left + box.width / 2 for box in (left, top, bottom, right)]
    assert middles[0] < middles[1] < middles[3]
    assert abs(middles[1] - middles[2]) < 1


def test_every_stage_that_needs_another_has_an_arrowhead_at_its_top():
    count, edges = shapes()["skipping"]
    found = drawn(count, edges)
    tops = {(round(box.left + box.width / 2, 1), box.top) for number, box in found.boxes.items() if number}
    assert {(round(x, 1), y) for x, y in found.heads} == tops
    ends = {(round(run.end_x, 1), run.end_y) for run in found.runs}
    assert ends >= tops


def test_row_of_many_stages_goes_on_in_the_next_one():
    count, edges = shapes()["fan"]
    found = drawn(count, edges)
    assert found.width < 6000
    assert len({box.top for box in found.boxes.values()}) > 10


def test_picture_is_xml_with_whole_names_and_no_markup_of_theirs():
    names = {
        0: "load<script>&\"'",
        1: "services/fraud/dvc.yaml:prepare@region=north-west,year=2024,kind=detailed",
        2: "x" * 500,
    }
    tree = ElementTree.fromstring(graph_svg.picture(names, [(0, 1), (1, 2)]))
    space = "{http://www.w3.org/2000/svg}"
    assert [each.text for each in tree.iter(f"{space}title")][1:] == list(names.values())
    assert "".join(each.text for each in tree.findall(f"{space}g[2]/{space}text")) == names[1]
    assert not list(tree.iter(f"{space}script"))


def test_names_and_edges_can_be_read_in_light_and_dark():
    picture = graph_svg.picture({0: "load", 1: "train"}, [(0, 1)])
    for colours in schemes(picture):
        assert worst([(colours["text"], colours["rect"])]) >= 4.5
        assert worst([(colours[".e"], colours["paper"]), (colours[".h"], colours["paper"])]) >= 3


def test_same_graph_gives_the_same_bytes():
    count, edges = shapes()["all"]
    names = {at: f"stage_{at}" for at in range(count)}
    assert graph_svg.picture(names, edges) == graph_svg.picture(dict(names), list(edges))
