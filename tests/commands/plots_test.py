"""Plots of two sides: the same points as DVC takes, from every way to declare them, and one page that needs nothing else."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import pytest

from mlgit.commands.plots import plots_diff, write_page
from mlgit.errors import MlgitError
from tests.kit import FULL, commit, dvc, repository, write_tree
from tests.report.html_test import check_inert

pytestmark = pytest.mark.slow  # real repositories, and DVC beside them

PIPELINE = """\
vars: [{name: Accuracy}]
stages:
  train:
    cmd: sh train.sh
    plots:
      - loss.tsv: {cache: false, x: epoch, y: loss, title: Loss}
      - bare.csv: {cache: false, header: false, x: "0", y: "1"}
      - confusion.json: {cache: false, template: confusion, x: predicted, y: actual}
      - plain.json: {cache: false}
      - logs.csv: {cache: false, y: val}
  each:
    foreach: [a, b]
    do: {cmd: "true", plots: [{"each_${item}.csv": {cache: false, y: "${item}"}}]}
plots:
  - logs.csv: {x: epoch, y: [acc, val], title: "${name}", y_label: share}
  - roc: {x: fpr, y: {curves/a.csv: tpr, curves/b.csv: tpr}, template: simple}
  - turned: {x: {curves/a.csv: fpr, curves/b.csv: tpr}, y: {curves/a.csv: tpr, curves/b.csv: fpr}, template: scatter}
  - both: {x: {curves/a.csv: fpr}, y: {curves/a.csv: [tpr, fpr]}, template: smooth}
  - curves
  - curves/b.csv: {y: fpr}
  - nested.yaml: {y: value}
  - importance.json: {template: bar_horizontal, x: weight, y: name}
  - image.png
  - gone.csv: {x: a, y: b}
  - wrong.csv: {x: a, y: no such column}
"""
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def files(shift: float) -> dict[str, Any]:
    """A project's files; another shift gives other values."""
    curve = "fpr,tpr\n0,0\n{a},{b}\n1,1\n"
    named = [{"name": name, "weight": weight + shift} for name, weight in (("age", 3.0), ("size", 1.0))]
    pairs = [{"actual": truth, "predicted": said} for truth, said in (("cat", "cat"), ("dog", "cat"), ("dog", "dog"))]
    return {
        "dvc.yaml": PIPELINE,
        "sub/dvc.yaml": "plots: [points.json: {template: scatter, x: u, y: v}]\n",
        "sub/points.json": json.dumps([{"u": shift, "v": 2}, {"u": 3, "v": 4}]),
        "loss.tsv": f"epoch\tloss\n1\t{0.9 - shift}\n2\t0.5\n",
        "bare.csv": f"1,{shift}\n2,5\n",
        "confusion.json": json.dumps(pairs * (1 + int(shift * 10))),
        "plain.json": json.dumps({"history": [{"step": 1, "score": shift}, {"step": 2, "score": 7}], "name": "x"}),
        "logs.csv": f"epoch,acc,val\n0,0.5,{0.4 + shift}\n1,0.7,0.6\n",
        "each_a.csv": f"a\n{shift}\n2\n", "each_b.csv": f"b\n{shift}\n3\n",
        "curves/a.csv": curve.format(a=0.1 + shift, b=0.7), "curves/b.csv": curve.format(a=0.2 + shift, b=0.8),
        "nested.yaml": f"one: [{{value: {shift}}}, {{value: 2}}]\ntwo: {{three: [{{other: 5}}, {{other: 6}}]}}\n",
        "importance.json": json.dumps(named),
        "image.png": PNG + (b"more" if shift else b""),
        "wrong.csv": "a,b\n1,2\n",
    }  # fmt: skip


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", files(0.0))
    write_tree(root, files(0.1))
    monkeypatch.chdir(root)
    return root


def field(spec: Any, axis: str) -> str:
    """The column that a chart of Vega has on an axis, the first one named."""
    if isinstance(spec, list):
        return next((found for each in spec if (found := field(each, axis))), "")
    if not isinstance(spec, dict):
        return ""
    own = (spec.get("encoding") or {}).get(axis)
    if isinstance(own, dict) and isinstance(own.get("field"), str):
        return own["field"]
    return next((found for each in spec.values() if (found := field(each, axis))), "")


def of_dvc(root) -> tuple[dict[str, Counter], dict[str, set[str]]]:
    """The points that DVC draws, by plot and side, and the sides of each image."""
    shown = json.loads(dvc(root, "plots", "diff", "HEAD", "workspace", "--json", "--split").out)
    points: dict[str, Counter] = {}
    images: dict[str, set[str]] = {}
    for name, charts in shown["data"].items():
        for chart in charts:
            if chart["type"] == "image":
                images.setdefault(name, set()).update(chart["revisions"])
                continue
            x, y = (field(chart["content"], axis).replace("\\", "") for axis in ("x", "y"))
            rows = chart["anchor_definitions"]["<DVC_METRIC_DATA>"]
            points[name] = Counter((row["rev"], str(row[x]), str(row[y])) for row in rows)
    return points, images


def of_mlgit(found) -> dict[str, Counter]:
    names = {found.sides[0]: "HEAD", found.sides[1]: "workspace"}
    return {
        each.name: Counter((names[one.side], str(x), str(y)) for one in each.series for x, y in one.points)
        for each in found.plots
        if each.series
    }


def test_points_are_those_that_dvc_takes(root):
    found = plots_diff("HEAD")
    points, images = of_dvc(root)
    assert of_mlgit(found) == points
    assert len(points) == 16
    assert {each.name: len(each.images) for each in found.plots if each.images} == {
        name: len(at) for name, at in images.items()
    }
    troubles = {each.name: each.troubles for each in found.plots if each.troubles}
    assert troubles["wrong.csv"] == tuple(f"{side}: wrong.csv: no column 'no such column'" for side in ("HEAD", "workspace"))
    assert troubles["gone.csv"] == tuple(f"{side}: gone.csv: no such file" for side in ("HEAD", "workspace"))


def test_page_holds_everything_and_needs_nothing_else(root, cli):
    done = cli(root, "diff", "HEAD", "--plots")
    assert (done.code, done.err) == (0, "")
    page = (root / ".dvc/tmp/mlgit/plots.html").read_text()
    assert done.out == f"{root.resolve()}/.dvc/tmp/mlgit/plots.html\n"
    check_inert(page)
    assert page.count('src="data:image/png;base64,') == 2
    assert "wrong.csv: no column" in page
    assert page == plots_diff("HEAD").page()


def test_same_plots_are_folded_away(root):
    write_tree(root, files(0.0))
    found = plots_diff("HEAD")
    assert "0 plots differ" in found.page()
    assert all(each.is_same(found.sides) for each in found.plots if each.is_drawn)


def test_page_goes_where_the_user_says_and_over_no_other_file(root, cli):
    assert cli(root, "diff", "HEAD", "--plots", "-o", "out/p.html").out.endswith("/out/p.html\n")
    assert cli(root, "diff", "HEAD", "--plots", "-o", "out/p.html").code == 0
    refused = cli(root, "diff", "HEAD", "--plots", "-o", "logs.csv")
    assert (refused.code, "is no page of `mlgit diff --plots`" in refused.err) == (2, True)
    assert (root / "logs.csv").read_text() == files(0.1)["logs.csv"]
    assert cli(root, "diff", "-o", "x.html").code == 2


def test_points_can_be_had_as_json(root, cli):
    document = cli(root, "diff", "HEAD", "--plots", "--format", "json").json
    (loss,) = [each for each in document["plots"] if each["name"] == "loss.tsv"]
    assert (loss["title"], loss["x"], loss["y"]) == ("Loss", "epoch", "loss")
    assert [each["points"] for each in loss["series"]] == [[["1", "0.9"], ["2", "0.5"]], [["1", "0.8"], ["2", "0.5"]]]


def test_project_without_plots_is_told_how_to_declare_them(tmp_path, monkeypatch):
    monkeypatch.chdir(repository(tmp_path / "project", {"dvc.yaml": "stages: {}\n"}))
    with pytest.raises(MlgitError, match="no plots are declared"):
        plots_diff("HEAD")


def test_plot_that_one_side_alone_declares_is_drawn(root):
    commit(root)
    write_tree(root, {"dvc.yaml": "plots: [new.csv: {y: a}]\n", "new.csv": "a\n1\n2\n", "sub/dvc.yaml": "{}"})
    found = {each.name: each for each in plots_diff("HEAD").plots}
    assert {each.side for each in found["new.csv"].series} == {"workspace"}
    assert {each.side for each in found["loss.tsv"].series} == {"HEAD"}
    assert write_page(plots_diff("HEAD"), None).exists()


def test_plot_without_a_point_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(repository(tmp_path / "project", {"dvc.yaml": "plots: [e.json]\n", "e.json": "[]"}))
    (found,) = plots_diff("HEAD").plots
    assert (found.troubles, found.is_drawn) == (("there are no points in it",), False)


# Further ways to declare plots, and odd files; what is refused is refused by DVC too.
ODD: dict[str, dict[str, Any]] = {
    "one name in two files": {
        "dvc.yaml": "plots:\n  - roc: {x: a, y: {one.csv: b}}\n  - one.csv\n",
        "sub/dvc.yaml": "plots:\n  - roc: {x: a, y: {two.csv: [b, a]}}\n  - deep/three.json: {x: u, y: [v, w]}\n",
        "one.csv": "a,b\n1,2\n3,4\n",
        "sub/two.csv": "a,b\n5,6\n",
        "sub/deep/three.json": '[{"u": 1, "v": 2, "w": 3}]',
    },
    "folders": {
        "dvc.yaml": "stages:\n  t:\n    cmd: x\n    wdir: w\n    plots: [{out: {cache: false, x: s, y: v}}]\nplots: [imgs]\n",
        "w/out/a.csv": "s,v\n1,2\n", "w/out/deep/b.csv": "s,v\n3,4\n", "imgs/p.png": PNG, "imgs/deep/q.jpg": b"j",
    },
    "lists in documents": {
        "dvc.yaml": "plots: [m.json, {n.json: {y: z}}, {c.yml: {y: on}}, {b.yaml: {x: k, y: v}}, e.json, h.csv]\n",
        "m.json": '{"train": [{"loss": 1}, {"loss": 2}, {"loss": 3}], "test": {"deep": [{"acc": 4}, {"acc": 5}]}}',
        "n.json": '{"x": [{"y": 1}, {"z": 2}], "k": [{"z": 7}, {"z": 8}]}',
        "c.yml": "- {on: 1e-5}\n- {on: 012}\n", "b.yaml": "base: &b\n  - {k: 1, v: 2}\nother: *b\n",
        "e.json": "[]", "h.csv": "",
    },
    "cells": {
        "dvc.yaml": "plots: [{q.csv: {x: a, y: b}}, e.csv, {s.csv: {x: a, y: c}}, {d.tsv: {y: b}}]\n",
        "q.csv": 'a,b\n"1,5","x ""y"""\n2,"l1\nl2"\n', "e.csv": "a\n", "s.csv": "a,b,c\n1,2\n3,4,5,6\n",
        "d.tsv": "a\tb\n1\t2\n\n3\t4\n",
    },
    "lengths": {
        "dvc.yaml": "plots:\n  - p: {x: {one.csv: a}, y: {two.csv: b}}\n  - q: {x: {one.csv: a, two.csv: b}, y: {one.csv: a}}\n"
        "  - r: {x: a, y: {one.csv: [a, b], two.csv: b}}\n",
        "one.csv": "a,b\n1,2\n3,4\n", "two.csv": "a,b\n5,6\n",
    },
    "twice": {"dvc.yaml": "plots:\n  - one.csv: {x: a, y: b}\n  - one.csv: {y: c}\n", "one.csv": "a,b,c\n1,2,3\n"},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD if FULL else ["folders"])
def test_points_of_other_declarations_are_those_of_dvc_too(name, tmp_path, monkeypatch):
    root = repository(tmp_path / "project", ODD[name])
    monkeypatch.chdir(root)
    write_tree(root, {"untracked": ""})
    points, images = of_dvc(root)
    found = plots_diff("HEAD")
    assert of_mlgit(found) == points
    assert {each.name for each in found.plots if each.images} == images.keys()
