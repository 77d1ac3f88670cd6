"""A value set in a parameter file: the file says what DVC makes it say, and the rest of its text stays."""

from __future__ import annotations

import pytest

from mlgit.adapters.formats import documents, edits
from mlgit.errors import MlgitError
from tests.kit.late import Module

exceptions = Module("dvc.exceptions")
hydra = Module("dvc.utils.hydra")

LIST = "l:  # all\n  - 1 # one\n  - 2 # two\n  - 3\n# end\nz: 1\n"
MERGED = "d: &d\n  lr: 1\ntrain:\n  <<: *d\n  e: 3 # e\n"
CLASS = "class A:\n    é = 'ü'; b = 2  # b\n    def __init__(self):\n        self.c = 'x'\n"

# (ending, text, key, value, the text afterwards); DVC sets the same value, where it sets any
SET = (
    ("yaml", "a: &x 1 # c\nb: *x\n", "a", "2", "a: 2 # c\nb: &x 1\n"),
    ("yaml", "a: &x 1\nb: *x\n", "b", "2", "a: &x 1\nb: 2\n"),
    ("yaml", "a: &x 1\nb: *x\nc: *x\n", "a", "null", "a: null\nb: &x 1\nc: *x\n"),
    ("yaml", "a: &x [1, 2]\nb: *x\n", "a", "[3]", "a: [3]\nb: &x [1, 2]\n"),
    ("yaml", "a: &x\n- 1\n- 2\nb: *x\n", "a", "[3]", "a: [3]\nb: &x [1, 2]\n"),
    ("yaml", MERGED, "d.lr", "9", "d: &d\n  lr: 9\ntrain:\n  <<: *d\n  e: 3 # e\n  lr: 1\n"),
    ("yaml", MERGED, "train.lr", "9", f"{MERGED}  lr: 9\n"),
    ("yaml", "t: {<<: {a: 1}, b: 2}\n", "t.a", "5", "t: {<<: {a: 1}, b: 2, a: 5}\n"),
    ("yaml", LIST, "l", "[1, 5]", LIST.replace("- 2", "- 5").replace("  - 3\n", "")),
    ("yaml", LIST, "l", "[1, 2, 3, x]", LIST.replace("  - 3\n", "  - 3\n  - x\n")),
    ("yaml", LIST, "l", "[]", "l: []  # all\n# end\nz: 1\n"),
    ("yaml", LIST, "l", "word", "l: word  # all\n# end\nz: 1\n"),
    ("yaml", "l: [\n  1, # one\n  2, # two\n]\n", "l", "[1, 3]", "l: [\n  1, # one\n  3, # two\n]\n"),
    ("yaml", "l: []\n", "l", "[1, [2, x]]", "l: [1, [2, x]]\n"),
    ("yaml", "l:\n- - 1\n  - 2\n", "l.0", "[5]", "l:\n- - 5\n"),
    ("yaml", "m: {a: 1, b: {c: 2, d: 3}}\n", "m", "{a: 5, b: {d: 6}}", "m: {a: 5, b: {c: 2, d: 6}}\n"),
    ("yaml", "a: 1\n", "a", "{x: [1, y]}", "a: {x: [1, y]}\n"),
    ("yaml", "a: |\n  x\n  y\nb: 1\n", "a", "z", "a: z\nb: 1\n"),
    ("yaml", "a: 1\n", "a", "2020-01-01", 'a: "2020-01-01"\n'),
    ("yaml", "a: !!str 5\nb: .nan\n", "a", "6", "a: 6\nb: .nan\n"),
    ("json", '{\n\t"a": 1,\n\t"b": {"c": [1, {"d": "x\\/y"}]}\n}', "b.c.1.d", '"z w"', None),
    ("json", '{\n  "a": [1,\n    2]\n}\n', "a", "[1, 3]", '{\n  "a": [1,\n    3]\n}\n'),
    ("json", '{"a": 1, "a": 2}', "a", "null", '{"a": 1, "a": null}'),
    ("toml", "# top\na = 1 # c\n[t]\nb = [1, 2] # d\n", "t.b", "[3, x]", '# top\na = 1 # c\n[t]\nb = [3, "x"] # d\n'),
    ("toml", "[t]\nd.e = 1\nf = {g = 1, h = 2} # f\n", "t.f.g", "0.5", "[t]\nd.e = 1\nf = {g = 0.5, h = 2} # f\n"),
    ("toml", "[[t]]\na = 1\n[[t]]\na = 2 # b\n", "t.1.a", "true", "[[t]]\na = 1\n[[t]]\na = true # b\n"),
    ("toml", "a = '''x\ny'''\nb = 1\n", "a", "z", 'a = "z"\nb = 1\n'),
    ("py", "a = 1  # c\nb: int = 2\n", "b", "3", "a = 1  # c\nb: int = 3\n"),
    ("py", CLASS, "A.b", "5", CLASS.replace("b = 2", "b = 5")),
    ("py", "l = [1, 2]  # c\n", "l", "[3, 4]", "l = [3, 4]  # c\n"),
    ("py", "a = True\n", "a", "false", "a = False\n"),
    ("py", "a = None\na = 2\n", "a", "3", "a = None\na = 3\n"),
)


@pytest.mark.parametrize("row", SET, ids=range(len(SET)))
def test_value_is_set_as_dvc_sets_it_and_the_rest_stays(tmp_path, row):
    ending, text, key, value, wanted = row
    name = f"p.{ending}"
    found = edits.set_value(text, key, edits.value_of(value), name=name)
    assert wanted is None or found == wanted
    (tmp_path / name).write_text(text)
    hydra.apply_overrides(tmp_path / name, [f"{key}={value}"])
    theirs = (tmp_path / name).read_text()
    assert repr(documents.parse(found, name=name)) == repr(documents.parse(theirs, name=name))


# What DVC passes over, breaks or sets in two places.
BETTER = (
    ("py", CLASS, "A.c", "y", CLASS.replace("'x'", "'y'")),
    ("py", "d = {'k': 1, 'q': 1}\n", "d.q", "5", "d = {'k': 1, 'q': 5}\n"),
    ("py", "a=0x10\n", "a", "[x]", "a=['x']\n"),
    ("py", "l = [\n    1,  # one\n    2,\n]\n", "l", "[1, 3]", "l = [\n    1,  # one\n    3,\n]\n"),
    ("py", "l = (1, 2)\n", "l", "[3]", "l = (3,)\n"),
    ("yaml", "a: 1\nb: 2\n", "a", ".nan", "a: .nan\nb: 2\n"),
    ("json", '{"a": 1}', "a", "-.inf", '{"a": -Infinity}'),
)


@pytest.mark.parametrize("row", BETTER, ids=range(len(BETTER)))
def test_value_is_set_where_dvc_cannot_set_it(row):
    ending, text, key, value, wanted = row
    assert edits.set_value(text, key, edits.value_of(value), name=f"p.{ending}") == wanted


REFUSED = (
    ("yaml", "m: &m {k: 1}\nn: *m\n", "n.k", "5", "p.yaml: n is an alias"),
    ("yaml", "m: &m {k: 1}\nn: *m\n", "m.k", "5", "p.yaml: n is an alias"),
    ("yaml", "a: &a [*a]\nb: 1\n", "b", "2", "p.yaml: a value holds itself"),
    ("yaml", "m: {a: 1}\n", "m", "5", "p.yaml: m: a section"),
    ("yaml", "m: {a: 1}\n", "m", "{b: 5}", "p.yaml: no parameter 'm.b'"),
    ("yaml", "a: [1]\n", "a.1", "5", "p.yaml: no parameter 'a.1'"),
    ("yaml", "a: 1\n", "b", "5", "p.yaml: no parameter 'b'"),
    ("yaml", "a: [1\n", "a", "5", "p.yaml: line"),
    ("yaml", "a: 1\n", "a", "!!set {x}", "--set: '!!set {x}' is not a valid parameter value"),
    ("yaml", "a: 1\n", "a", "[2020-01-01]", "--set: '[2020-01-01]' is not a valid parameter value"),
    ("toml", "a = 1\n", "a", "null", "p.toml: a: TOML cannot hold"),
    ("toml", "a = 1\n", "a", "[1, null]", "p.toml: a: TOML cannot hold"),
    ("toml", "[t]\na = 1\n", "t", "5", "p.toml: t: a section"),
    ("py", "class A:\n    b = 1\n", "A", "3", "p.py: A: a section"),
    ("py", "a = 1\n", "a", ".nan", "p.py: a: cannot be set"),
    ("py", "import os\na = os.sep\n", "a", "x", "p.py: no parameter 'a'"),
)


@pytest.mark.parametrize("row", REFUSED, ids=range(len(REFUSED)))
def test_value_that_cannot_be_set_alone_is_refused_with_its_place(row):
    ending, text, key, value, words = row
    with pytest.raises(MlgitError) as caught:
        edits.set_value(text, key, edits.value_of(value), name=f"p.{ending}")
    assert words in caught.value.message
    assert caught.value.hint or "line" in words


def test_aliases_that_stand_for_millions_of_values_are_not_written_out():
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(MlgitError, match="too many values"):
        edits.set_value("\n".join([*rows, "z: 1", ""]), "z", 2, name="p.yaml")


def test_section_that_is_no_mapping_takes_no_entry():
    with pytest.raises(MlgitError, match="not a section"):
        edits.insert_first("a: [1]\n", "a", entry="b", value="2", name="p.yaml")
    assert edits.insert_first("a:\n  c: 1 # c\n", "a", entry="b", value="2", name="p.yaml") == "a:\n  b: 2\n  c: 1 # c\n"


def test_dvc_refuses_a_parameter_that_is_not_there(tmp_path):
    (tmp_path / "p.yaml").write_text("a: 1\n")
    with pytest.raises(exceptions.DvcException):
        hydra.apply_overrides(tmp_path / "p.yaml", ["b=5"])
