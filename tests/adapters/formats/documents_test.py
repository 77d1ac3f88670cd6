"""Documents: the same values as DVC reads, which reads through ruamel.yaml; and errors that name line and column."""

from __future__ import annotations

import json
import math

import pytest
from dvc.utils.serialize import parse_py, parse_toml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlgit.adapters.formats import documents
from mlgit.errors import MlgitError


def shape(value):
    """A value with its types and the order of its keys, so that 1, 1.0, True and '1' differ and nan equals nan."""
    if isinstance(value, dict):
        return [(shape(key), shape(inner)) for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return ("list", [shape(inner) for inner in value])
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else (value, math.copysign(1, value)))
    return (type(value).__name__, value)


def as_dvc(text):
    """What DVC makes of a YAML text: ('ok', value) or ('refused',)."""
    try:
        return ("ok", shape(YAML(typ="safe").load(text)))
    except Exception:
        return ("refused",)


def as_mlgit(text):
    try:
        return ("ok", shape(documents.parse_yaml(text, name="f.yaml")))
    except MlgitError:
        return ("refused",)


def refused(text, name="f.yaml"):
    with pytest.raises(MlgitError) as caught:
        documents.parse(text, name=name)
    return caught.value


SCALARS = """
on off yes no y n true True TRUE tRue false null Null NULL ~ nUll
0 -0 +12 012 -012 08 00 0o17 0o8 -0o17 0x1F 0xG -0x1F 0b101 0b2 1_000 1__0 _1 1_ -_ 0b_ 0x_ 0o_7
1. .5 1.e3 1e3 1e-5 1e+3 1E3 .5e3 .5e+3 -.5e-1 1.5e 12e 1e5.5 -0.0 1e400 0.1e-400 685_230.15 1_e3 ._5 1:30 1:30:30.5
.inf -.inf +.inf .Inf .INF .nan .NaN -.nan . .. -. + - --
2020-01-01 2020-1-1 2020-13-01 2020-01-01x 2020-01-01T10:00:00 2020-01-01T10:00:00Z 2020-01-01T10:00:00+02:00
1,000 a:b x#c a=b << !!str !!int !!str=1 'on' "012" '' @a `a %a *a &a | > ? : , [] {}
""".split()  # noqa: SIM905 - a list of words reads better as words


@pytest.mark.parametrize("text", SCALARS)
def test_scalar_has_the_value_dvc_gives_it(text):
    for document in (f"a: {text}\n", f"- {text}\n", f"{{a: {text}}}\n"):
        assert as_mlgit(document) == as_dvc(document)


def test_words_of_yaml_1_1_are_text():
    found = documents.parse_yaml("[on, yes, 012, 0o17, 1e-5, 1_000, 1:30]", name="f")
    assert found == ["on", "yes", 12, 15, 1e-05, 1000, "1:30"]


@given(st.text("0123456789+-._eExXoObBaAfFiInNtTrRuUlL:~<", min_size=1, max_size=9))
@example("0" * 400 + "8")
def test_every_word_of_number_letters_is_read_as_dvc_does(word):
    assert as_mlgit(f"a: {word}") == as_dvc(f"a: {word}")


@given(st.dates(), st.times(), st.sampled_from(["", "Z", "+02:00", "-5", " +5:30"]), st.sampled_from(["T", "t", " ", "   "]))
def test_timestamp_is_read_as_dvc_does(day, time, zone, between):
    text = f"a: {day}{between}{time}{zone}"
    assert as_mlgit(text) == as_dvc(text)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(max_size=12)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


@given(VALUES, st.sampled_from([True, False, None]))
def test_what_ruamel_writes_is_read_as_dvc_does(value, flow):
    from io import StringIO

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = flow
    writer.dump({"a": value}, stream := StringIO())
    assert as_mlgit(stream.getvalue()) == as_dvc(stream.getvalue())


LINES = st.sampled_from(
    [
        "a: 1",
        "b: [1, 2]",
        "  c: x",
        "  - d",
        "- e",
        "- f: 1",
        "",
        "# note",
        "a: &x {p: 1}",
        "g: *x",
        "<<: *x",
        "h: |",
        "    text",
        "---",
    ]
)


@pytest.mark.filterwarnings("ignore")
@given(st.lists(LINES, max_size=7))
def test_jumbled_document_is_accepted_or_refused_as_dvc_does(lines):
    text = "\n".join(lines) + "\n"
    assert as_mlgit(text) == as_dvc(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
        "a: &x {b: 1}\nd: {c: 3, <<: *x, e: 1}\n",
        "a: &x {b: 1}\ny: &y {b: 2, z: 1}\nd: {q: 0, <<: [*x, *y], b: 5}\n",
        "d: {<<: {a: 1}, <<: {b: 1}}\n",
        "d: {<<: 3}\n",
    ],
)
def test_merge_is_done_as_dvc_does(text):
    assert as_mlgit(text) == as_dvc(text)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_directive_chooses_the_version_of_yaml_as_for_dvc(version):
    text = f"# head\n%YAML {version}\n---\na: on\nb: 012\n"
    assert as_mlgit(text) == as_dvc(text) != ("refused",)


@pytest.mark.parametrize("key", ["[1, 2]", "{a: 1}", "? a\n", "1", "~", "2020-01-01", "''"])
def test_unusual_key_is_accepted_or_refused_as_dvc_does(key):
    assert as_mlgit(f"{key}: 1") == as_dvc(f"{key}: 1")


@pytest.mark.parametrize(
    "text",
    ["!!int ''", "!!int abc", "!!float x", "!!timestamp x", "!!bool maybe", "!!map [1]", "!!binary é", "!foo 1", "a: \x07"],
)
def test_text_that_does_not_fit_its_tag_is_refused(text):
    assert refused(text).message.startswith("f.yaml: ")


def test_tag_cannot_call_anything(tmp_path):
    refused(f"!!python/object/apply:os.mkdir ['{tmp_path}/made']")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml: line 3, column 1: duplicate key 'a'", "rename or remove one of the two"),
        ("a:\n\tb: 1\n", "f.yaml: line 2, column 1: a tab cannot indent YAML", "replace the tab by spaces"),
        ("a: [1, 2\n", "f.yaml: line 2, column 1: did not find expected ',' or ']'", ""),
        ("a: b: c\n", "f.yaml: line 1, column 5: mapping values are not allowed in this context", ""),
        ("a: *b\n", "f.yaml: line 1, column 4: found undefined alias", ""),
        ("{{a: 1}: 2}\n", "f.yaml: line 1, column 2: this key cannot be used as a key", ""),
    ],
)
def test_fault_is_told_with_its_place(text, message, hint):
    error = refused(text)
    assert (error.message, error.hint) == (message, hint)


@pytest.mark.parametrize("name", ["deep.yaml", "deep.json", "deep.toml", "deep.py"])
def test_text_nested_too_deeply_is_refused(name):
    text = "[" * 50_000 + "]" * 50_000
    text = {"yaml": text, "json": text, "toml": f"a = {text}", "py": "a = " + "-" * 50_000 + "1"}[name.partition(".")[2]]
    assert refused(text, name).message.startswith(f"{name}: ")


@pytest.mark.parametrize(("name", "text"), [("a.json", "{digits}"), ("a.toml", "a = {digits}"), ("a.yaml", "a: {digits}")])
def test_number_too_long_for_python_is_refused(name, text):
    assert "Exceeds the limit" in refused(text.format(digits="9" * 5000), name).message


def test_empty_file_is_an_empty_mapping_but_for_json():
    assert [documents.parse("", name=f"a.{ending}") for ending in ("yaml", "toml", "py")] == [{}] * 3
    assert "a.json: line 1, column 2" in refused(" ", "a.json").message


@pytest.mark.parametrize("name", ["params", "json", ".json", "x.json/params", "a.yml", "a.txt"])
def test_file_without_a_known_ending_is_yaml(name):
    assert documents.parse("a: on", name=name) == {"a": "on"}


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=3).filter(lambda value: "datetime" not in repr(value)))
def test_json_is_read_back(value):
    assert shape(documents.parse(json.dumps(value), name="a.JSON")) == shape(value)


def test_fault_in_json_is_told_with_its_place():
    assert refused('{"a": 1,\n "b" 2}', "a.json").message == "a.json: line 2, column 6: Expecting ':' delimiter"


def test_toml_has_the_values_dvc_gives_it():
    text = "a = 1\nb = 1e-5\nc = [1, 2]\nd = 'x'\ne = true\nf = {x = 1}\n[t.u]\nv = 0o17\n[[w]]\nx = 1\n[[w]]\nx = 2\n"
    assert shape(documents.parse(text, name="a.toml")) == shape(parse_toml(text, "a.toml"))


def test_fault_in_toml_is_told():
    assert refused("a = 1\na = 2\n", "a.toml").message == "a.toml: Cannot overwrite a value (at line 2, column 6)"


PYTHON = [
    "a = (1, 2)",
    "a = b = 1",
    "a, b = 1, 2",
    "a: int = 3\nb: int",
    "a = -1\nb = +1\nc = 1 + 2j\nd = 2 ** 3",
    "a = {'x': (1,), 'y': [2, (3,)]}",
    "a = f(1)\nb = [1, x]\nc = None\nd = 'x' 'y'",
    "a = 1\na = 2\nb.c = 3\nd['x'] = 4\nd += 1",
    "class A:\n  x = 1\n  class B:\n    z = (1,)\n  def __init__(self):\n    self.q = 5\n    self.r: int = 6\n    k = 7\n",
    "class A:\n  def f(self):\n    self.no = 1\n",
    "class A:\n  def __init__(self):\n    if True:\n      self.x = 1\n",
    "class A: pass\nclass A:\n  x = 1\n",
    "def f():\n  a = 1\nif True:\n  b = 2\ntry:\n  c = 3\nfinally: pass\n",
    "def __init__(self):\n  self.x = 1\n",
    "import os\nA = os.environ\nB = 0x1f\nC = 1_000\nD = {None: 1}\nE = ()\nF = {}\nG = set()\n",
    "a = '\\d'\nb = f'x'\nc = '''x\ny'''\nd = 'é'\n",
    "",
]


@pytest.mark.parametrize("text", PYTHON)
@pytest.mark.filterwarnings("ignore")
def test_python_constants_are_those_dvc_finds(text):
    assert shape(documents.parse(text, name="a.py")) == shape(parse_py(text, "a.py"))


def test_python_is_read_and_not_run(tmp_path):
    documents.parse(f"import os\nos.mkdir('{tmp_path}/made')\na = 1\n", name="a.py")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("error")
def test_warning_about_a_users_python_is_not_ours_to_give():
    assert documents.parse("a = '\\d'\nb = 1 is 1\n", name="a.py")["a"] == "\\d"


def test_fault_in_python_is_told_with_its_line():
    assert refused("a = 1\nb = (\n", "a.py").message == "a.py: line 2: '(' was never closed"


def test_load_names_the_file_and_line_that_is_not_utf8(tmp_path):
    (tmp_path / "params.yaml").write_bytes("a: é\nb: ".encode() + b"\xe9\n")
    with pytest.raises(MlgitError) as caught:
        documents.load(tmp_path / "params.yaml", name="params.yaml")
    assert caught.value.message == "params.yaml: line 2: not UTF-8 text (byte 0xe9 at offset 9)"


def test_load_passes_over_a_byte_order_mark(tmp_path):
    (tmp_path / "params.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert documents.load(tmp_path / "params.json", name="params.json") == {"a": 1}
