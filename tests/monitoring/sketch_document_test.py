"""A sketch as a file: the same bytes for the same data, and what is none is refused, wherever it is broken."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from mlgit.errors import MlgitError
from mlgit.monitoring import sketch_document, sketching
from mlgit.monitoring.sketch import Batches, Calibration, Sketch
from mlgit.monitoring.sketching import WatchedColumn

KINDS = {"x": "number", "c": "category", "v": "vector", "t": "text"}


def sketch(seed=0):
    rng = np.random.default_rng(seed)
    words = np.array([f"some words of row {each}" for each in range(30)], dtype=object)
    batches = [
        {"x": rng.normal(size=30), "c": rng.choice(["a", "b"], 30).astype(object), "v": rng.normal(size=(30, 2)), "t": words}
        for _ in range(3)
    ]
    counted = sketching.counted([WatchedColumn(name, kind) for name, kind in KINDS.items()], batches)
    calibration = Calibration("isotonic", (0.1, 0.9), (0.2, 0.8), 10, (5.0, 5.0))
    return Sketch(
        "m",
        Batches("column", "day(ts)", ("1", "2", "3"), (30, 30, 30)),
        counted,
        {"a.csv": "md5:1"},
        "",
        {"f1": 0.5},
        calibration,
    )


def changed(*path, to):
    document = json.loads(sketch_document.text(sketch()))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = copy.deepcopy(to)
    return json.dumps(document)


def test_same_data_give_the_same_bytes():
    assert sketch_document.text(sketch()) == sketch_document.text(sketch())


def test_what_was_written_is_read():
    text = sketch_document.text(sketch())
    assert sketch_document.text(sketch_document.parse(text.encode(), where="s.json")) == text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b'{"schema": 2}', b"[" * 100_000, b'{"schema": true}'])
def test_what_is_no_sketch_is_refused(content):
    with pytest.raises(MlgitError, match=r"s\.json"):
        sketch_document.parse(content, where="s.json")


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("batches", "kind"), "days"),
        (("batches", "sizes"), [30, 30]),
        (("batches", "sizes"), [30, 30, -1]),
        (("batches", "names"), []),
        (("columns", 0, "name"), "c"),
        (("columns", 0, "kind"), "list"),
        (("columns", 0, "kind"), ["number"]),
        (("columns", 0, "edges"), [3, 2, 1]),
        (("columns", 0, "edges"), [float("nan")]),
        (("columns", 0, "center"), float("inf")),
        (("columns", 0, "derived"), "words"),
        (("columns", 0, "counts", 0, 0), -1),
        (("columns", 0, "counts", 0, 0), 2**63),
        (("columns", 0, "counts", 0, 0), 2**62),
        (("columns", 0, "counts", 0, 0), "x"),
        (("columns", 0, "missing"), [1]),
        (("columns", 0, "sums"), [[1], [1], [1, 2]]),
        (("columns", 0, "sums"), [1.0, 2.0]),
        (("columns", 0, "squares", 0), 1e300),
        (("columns", 1, "n_hashed"), 10**12),
        (("columns", 1, "n_hashed"), -3),
        (("columns", 2, "whitening"), "A"),
        (("columns", 2, "whitening"), ""),
        (("columns", 2, "n_components"), 3),
        (("columns", 2, "n_components"), -1),
        (("columns", 2, "sums"), [[1.0], [1.0], [1.0]]),
        (("columns", 3, "derived"), "letters"),
        (("metrics", "f1"), None),
        (("calibration", "y"), [0.1]),
        (("calibration", "kind"), "guess"),
        (("data",), []),
        (("columns",), {}),
    ],
)
def test_sketch_that_was_edited_by_hand_is_refused(path, to):
    if path == ("columns",):
        to = {"x": 1}
    with pytest.raises(MlgitError, match=r"s\.json"):
        sketch_document.parse(changed(*path, to=to), where="s.json")
