"""Names and values in YAML are read back as what they are."""

import ast
import json
import tomllib

import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.render import yaml_text

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@given(TEXTS)
def test_quoted_text_is_read_back_by_every_format(text):
    quoted = yaml_text.quoted(text)
    assert parse_yaml(f"a: {quoted}", name="y") == {"a": text}
    assert tomllib.loads(f"a = {quoted}") == {"a": text}
    assert json.loads(quoted) == text
    assert ast.literal_eval(quoted) == text


@given(TEXTS)
def test_quoted_text_stays_on_one_line(text):
    assert len(yaml_text.quoted(text).splitlines()) == 1


@given(VALUES)
def test_value_in_one_line_is_read_back_by_yaml_1_1_and_1_2(value):
    line = yaml_text.flow(value)
    assert parse_yaml(f"a: {line}", name="y") == yaml.safe_load(f"a: {line}") == {"a": value}
