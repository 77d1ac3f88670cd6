"""Emitted YAML is the same values to YAML 1.1 (as Hugging Face reads it) and YAML 1.2."""

from __future__ import annotations

import math

import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.cards.emit import number, yaml_text

_texts = st.one_of(
    st.text(), st.sampled_from(["no", "on", "012", "1e5", "1:30", "2020-01-01", "~", "a: b", "- a", "---", "x #y", "0x1"])
)
_values = st.recursive(
    st.one_of(_texts, st.integers(-(10**9), 10**9), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, min_size=1, max_size=3), st.dictionaries(_texts, inner, min_size=1, max_size=3)),
    max_leaves=8,
)


def _flat(value):
    """What of a value is emitted: no empty texts, no lists in lists."""
    if isinstance(value, dict):
        found = {key: _flat(inner) for key, inner in value.items()}
        return {key: inner for key, inner in found.items() if inner not in ("", None, {}, [])}
    if isinstance(value, list):
        found = [_flat(each) for each in value if not isinstance(each, list)]
        return [each for each in found if each != {}]
    return value


@given(st.dictionaries(_texts, _values, min_size=1, max_size=4).map(_flat))
def test_every_value_is_read_back_by_both(value):
    text = yaml_text(value)
    assert (yaml.safe_load(text) or {}) == value
    assert (parse_yaml(text, name="x") or {}) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_numbers_to_both(value):
    text = f"a: {number(value)}"
    for read in (yaml.safe_load(text)["a"], parse_yaml(text, name="x")["a"]):
        assert isinstance(read, int | float)
        assert math.isclose(read, value, rel_tol=1e-5, abs_tol=0.0)


def test_infinity_and_nan():
    assert yaml.safe_load(f"[{number(math.inf)}, {number(-math.inf)}]") == [math.inf, -math.inf]
    assert math.isnan(yaml.safe_load(number(math.nan)))


def test_keys_keep_their_order_and_empty_values_are_left_out():
    assert yaml_text({"two": 1, "one": {"x": "", "y": []}, "six": ["1"]}) == 'two: 1\nsix:\n- "1"\n'
