"""What `--set` may say, and that everything else is refused with its place."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.formats import edits
from mlgit.errors import MlgitError
from mlgit.experiments import search_space


def space(*texts):
    return search_space.parse(texts, value_of=edits.value_of)


def only(text):
    return space(text).dimensions[0]


def values(text):
    each = only(text)
    return [each.value(place) for place in range(each.size)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", [0.1]),
        ("0.1,0.2", [0.1, 0.2]),
        (" 1 , 2 ", [1, 2]),
        ("1,1.0,true,'1'", [1, 1.0, True, "1"]),
        ("[1,2]", [[1, 2]]),
        ("[1,2],[3,[4,5]]", [[1, 2], [3, [4, 5]]]),
        ("{k: 1, j: [2, 3]},null", [{"k": 1, "j": [2, 3]}, None]),
        ('"x,y",z', ["x,y", "z"]),
        (r'"a\",b",c', ['a",b', "c"]),
        ("'it''s, so',it's,a[0]", ["it's, so", "it's", "a[0]"]),
        ("['a]', \"b,c\"],x", [["a]", "b,c"], "x"]),
        ("on,012,1e-5", ["on", 12, 1e-5]),
        ("../a,b..c", ["../a", "b..c"]),
        ("'1..2',3", ["1..2", 3]),
        ('""', [""]),
    ],
)
def test_listed_values_are_read_as_yaml_with_commas_between(text, expected):
    found = values(f"p={text}")
    assert (found, list(map(type, found))) == (expected, list(map(type, expected)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2..5", [2, 3, 4, 5]),
        ("-1..1", [-1, 0, 1]),
        ("2..9/3", [2, 5, 8]),
        ("0..0.5/0.1", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ("0..1/0.5", [0.0, 0.5, 1.0]),
        ("3..3", [3]),
        ("0.1..0.35/0.1", [0.1, 0.2, 0.3]),
        ("1 .. 3 / 2", [1, 3]),
    ],
)
def test_range_of_whole_numbers_or_with_a_step_has_values(text, expected):
    found = values(f"p={text}")
    assert (found, list(map(type, found))) == (expected, list(map(type, expected)))


def test_range_of_fractions_has_no_number_of_values():
    assert [only(f"p={text}").size for text in ("0..1.0", "1e-4..1e-1/log", "1.0..2")] == [None, None, None]


def test_file_stands_before_the_key_and_the_usual_one_is_not_named():
    found = space("conf/net.yaml:net.width=1,2", "params.yaml:lr=1", "./conf/net.yaml:depth=2")
    assert [each.name for each in found.dimensions] == ["conf/net.yaml:net.width", "lr", "conf/net.yaml:depth"]


def test_size_of_a_space_is_the_product_unless_it_has_fractions():
    assert space("a=1,2", "b=1..5").size == 10
    assert space("a=1,2", "b=0..1.0").size is None


def test_last_parameter_changes_first():
    found = space("a=1,2", "b=x,y")
    assert [found.at(place) for place in range(4)] == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_what_was_typed_is_kept():
    assert space("a=1, 2", "f.yaml:b=1..5").texts == ("a=1, 2", "f.yaml:b=1..5")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "'a' is not PARAM=VALUE"),
        ("=3", "'=3' is not PARAM=VALUE"),
        ("a=", "a: no value"),
        ("a..b=1", "'a..b' is no name of a parameter"),
        ("/etc/x.yaml:a=1", "not a file of the project"),
        ("../x.yaml:a=1", "not a file of the project"),
        ("a=1,,2", "nothing between two commas"),
        ("a=1,2,", "nothing between two commas"),
        ("a=[1,2", "a quote or bracket that is not closed"),
        ("a=[1,{2],3}", "a quote or bracket that is not closed"),
        ("a='x", "a quote or bracket that is not closed"),
        ("train.lr=1,1", "train.lr: 1 is listed twice"),
        ("a=1..x", "'1..x' is no range"),
        ("a=1..2,3", "'1..2,3' is no range"),
        ("a=3,1..2", "'1..2' in a list"),
        ("a=1..2/loog", "'/loog' behind a range"),
        ("a=5..1", "5 is above 1"),
        ("a=0..1/log", "a logarithmic range begins above 0, not at 0"),
        ("a=-1..1/log", "a logarithmic range begins above 0, not at -1"),
        ("a=1..5/0", "a step of 0 from 1 to 5"),
        ("a=1..5/-1", "a step of -1"),
        ("a=1..5/7", "a step of 7"),
        ("a=1e999..2", "1e999 is too large"),
        ("a=1..1" + "0" * 40, "is too large"),
        ("a=0..1/1e-320", "more numbers than can be told apart"),
        ("f.yaml:a=!!python/object:os.system x", "--set f.yaml:a: line 1, column 1"),
        ("a=&x [*x]", "a: '&x [*x]' is not a valid parameter value"),
        (r'a="\ud800"', "is not a valid parameter value"),
        ("a=" + ",".join(map(str, range(10_001))), "more than 10,000 values"),
    ],
)
def test_anything_else_is_refused_with_its_place(text, said):
    with pytest.raises(MlgitError) as refused:
        space(text)
    assert said in refused.value.message
    assert refused.value.message.startswith("--set")
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("a=1", "params.yaml:a=2"), "--set a: given twice"),
        (("a={b: 1}", "a.b=2"), "--set a: a.b, which is inside of it, is set too"),
        (("a.b=2", "a={b: 1}"), "--set a: a.b, which is inside of it, is set too"),
    ],
)
def test_parameter_is_set_by_one_option(texts, said):
    with pytest.raises(MlgitError) as refused:
        space(*texts)
    assert refused.value.message == said


def test_same_key_of_two_files_is_two_parameters():
    assert space("a=1", "f.yaml:a=2", "ab=3").at(0) == {"a": 1, "f.yaml:a": 2, "ab": 3}


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        found = only(f"p={text}")
    except MlgitError:
        return
    if found.size is not None:
        assert found.index(found.value(0)) == 0


LETTERS = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])  # JSON writes others as two that YAML takes for two


@given(
    st.lists(
        st.lists(st.text(LETTERS, max_size=5) | st.integers() | st.none(), max_size=3) | st.text(LETTERS, max_size=8),
        min_size=1,
        max_size=5,
    )
)
def test_values_written_as_json_are_read_as_they_are(wanted):
    unique = list({json.dumps(each): each for each in wanted}.values())
    assert values("p=" + ",".join(map(json.dumps, unique))) == unique


SHARES = st.fractions(min_value=0, max_value=1).filter(lambda share: share < 1)


@given(
    SHARES, st.sampled_from(["2..8", "1..1000/log", "0..1/0.05", "-3..-1.5", "1e-6..1/log", "a,b,c", "7..7", "1e15..1.1e15"])
)
def test_what_is_drawn_is_in_the_space(share, text):
    each = only(f"p={text}")
    found = each.draw(share)
    if each.size is not None:
        assert each.index(found) is not None
        assert each.value(each.index(found)) == found
    else:
        assert each.span.low <= found <= each.span.high


def test_draws_fill_a_logarithmic_range_by_powers_of_ten():
    for text in ("1e-4..1e-1/log", "1..999/log"):
        each = only(f"p={text}")
        found = [each.draw(Fraction(place, 300)) for place in range(300)]
        low = each.span.low
        shares = [sum(low * 10**power <= value < low * 10 ** (power + 1) for value in found) for power in range(3)]
        assert all(abs(count - 100) <= 20 for count in shares), shares


def test_both_ends_of_a_range_can_be_drawn():
    for text in ("2..8", "1..20/log", "0..1/0.25"):
        each = only(f"p={text}")
        assert {each.draw(Fraction(place, 500)) for place in range(500)} == set(values(f"p={text}"))


def test_drawn_fractions_are_short_enough_to_read():
    assert only("p=0..1.0").draw(Fraction(1, 3)) == 0.33333
    assert only("p=1e-4..1e-1/log").draw(Fraction(1, 3)) == 0.001
    assert only("p=1000000.0..1000000.25").draw(Fraction(1, 3)) == 1000000.083333


@pytest.mark.parametrize("value", [1, True, "1", 1.5, None, [1], float("nan")])
def test_place_of_a_value_is_found_for_that_value_only(value):
    assert only("p=0..4").index(value) == (1 if value == 1 and value is not True else None)
    assert only('p=0,1,true,"1"').index(value) == {"1": 1, "True": 2, "'1'": 3}.get(repr(value))
