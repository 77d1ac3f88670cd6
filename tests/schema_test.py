"""Checks as tables: what each accepts, how it words a fault, and that editors are told the same."""

from __future__ import annotations

from datetime import date

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.schema import (
    Anything,
    Boolean,
    Either,
    Integer,
    Key,
    ListOf,
    MapOf,
    Number,
    Table,
    Text,
    check,
    describe,
    json_schema,
    kind,
    near_miss,
)

RULE = Table(
    (
        Key("metric", Text(), "the metric's name", required=True),
        Key("margin", Number(minimum=0), "how much worse is still no worse"),
        Key("kind", Text(choices=("paired", "absolute")), "how it is compared"),
    )
)
FILE = Table(
    (
        Key("version", Integer(choices=(1,)), "the version", required=True),
        Key("rules", MapOf(ListOf(RULE)), "model -> its rules"),
        Key("cache", Either((Boolean(), Text())), "whether, or where"),
        Key("names", MapOf(Integer(), key_pattern="[a-z]+"), "names"),
        Key("note", Anything(), "for people"),
    )
)


def fault(value, schema, path=""):
    with pytest.raises(MlgitError) as caught:
        check(value, schema, name="f.yaml", path=path)
    return caught.value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (Text(), ""),
        (Text(choices=("a", "b")), "b"),
        (Text(pattern="[a-z]+"), "abc"),
        (Integer(), -3),
        (Integer(minimum=1), 1),
        (Integer(choices=(1, 2)), 2),
        (Number(), 3),
        (Number(minimum=0, maximum=1), 0.0),
        (Number(minimum=0, maximum=1), 1),
        (Boolean(), False),
        (Anything(), None),
        (Anything(), date(2020, 1, 1)),
        (ListOf(Integer()), []),
        (ListOf(Integer()), [1, 2]),
        (MapOf(Integer()), {}),
        (MapOf(Integer(), key_pattern="[a-z]"), {"a": 1}),
        (Either((Boolean(), Text())), True),
        (Either((Boolean(), Text())), "x"),
        (Either((ListOf(Integer()), MapOf(Integer()))), {"a": 1}),
        (RULE, {"metric": "auc"}),
        (FILE, {"version": 1, "rules": {"m": [{"metric": "auc", "margin": 0.5}]}, "cache": "dir", "note": [None]}),
    ],
)
def test_value_that_follows_its_schema_is_accepted(schema, value):
    check(value, schema, name="f.yaml")


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        (Text(), 3, "expected text, found the number 3"),
        (Text(), None, "expected text, found nothing"),
        (Text(), True, "expected text, found true"),
        (Text(choices=("higher", "lower")), "highr", "'highr' is not one of higher, lower, did you mean 'higher'?"),
        (Text(choices=("higher", "lower")), "up", "'up' is not one of higher, lower"),
        (Text(choices=("higher", "lower")), 1, "expected one of higher, lower, found the number 1"),
        (Text(pattern="[a-z]+"), "a1", "'a1' does not match [a-z]+"),
        (Text(pattern="[a-z]+"), "a\n", "'a\n' does not match [a-z]+"),
        (Integer(), 1.5, "expected a whole number, found the number 1.5"),
        (Integer(), True, "expected a whole number, found true"),
        (Integer(minimum=1), 0, "0 is below 1"),
        (Integer(minimum=1), "x", "expected a whole number of at least 1, found the text 'x'"),
        (Integer(choices=(1,)), 2, "'2' is not one of 1"),
        (Number(), "1e", "expected a finite number, found the text '1e'"),
        (Number(), False, "expected a finite number, found false"),
        (Number(), float("nan"), "nan is not a finite number"),
        (Number(), float("inf"), "inf is not a finite number"),
        (Number(minimum=0), float("inf"), "inf is not a number of at least 0"),
        (Number(minimum=0, maximum=1), 1.5, "1.5 is not a number of at least 0 and at most 1"),
        (Number(maximum=1), 2, "2 is not a number of at most 1"),
        (Boolean(), "true", "expected true or false, found the text 'true'"),
        (Boolean(), 0, "expected true or false, found the number 0"),
        (ListOf(Integer()), {}, "expected a list, found a mapping"),
        (MapOf(Integer()), [], "expected a mapping, found a list"),
        (MapOf(Integer()), {1: 1}, "'1' is not a name (expected text)"),
        (MapOf(Integer(), key_pattern="[a-z]"), {"A": 1}, "'A' is not a name (expected [a-z])"),
        (Either((Boolean(), Text())), 1, "expected true or false or text, found the number 1"),
        (Text(), date(2020, 1, 1), "expected text, found date"),
        (RULE, None, "expected a mapping, found nothing"),
    ],
)
def test_value_that_does_not_follow_is_refused_in_words(schema, value, said):
    assert fault(value, schema).message == f"f.yaml: {said}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"version": 1, "rules": {"m": [{"metric": "a"}, {"metric": 1}]}},
            "rules.m[1].metric: expected text, found the number 1",
        ),
        ({"version": 1, "names": {"ab": "x"}}, "names.ab: expected a whole number, found the text 'x'"),
        ({"version": 1, "rule": {}}, "rule: unknown key, did you mean 'rules'?"),
        ({"version": 1, "zzz": {}}, "zzz: unknown key"),
        ({"version": 1, 3: {}}, "3: unknown key"),
        ({"rules": {}}, "version: missing"),
        ({"version": 1, "rules": {"m": [{"margin": 1}]}}, "rules.m[0].metric: missing"),
    ],
)
def test_message_is_the_path_to_the_fault(value, message):
    assert fault(value, FILE).message == f"f.yaml: {message}"


def test_path_so_far_is_kept():
    assert fault(1, Text(), path="a.b").message == "f.yaml: a.b: expected text, found the number 1"


def test_hint_for_an_unknown_key_lists_the_known_ones():
    assert fault({"metic": 1}, RULE).hint == "known keys: metric, margin, kind"


def test_hint_for_a_missing_key_says_what_it_is():
    assert fault({}, RULE).hint == "add it: the metric's name"


def test_near_miss_is_silent_about_far_words():
    assert (near_miss("metrcs", ["metrics", "models"]), near_miss("abc", ["metrics"])) == (", did you mean 'metrics'?", "")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "nothing"),
        (True, "true"),
        (1, "the number 1"),
        ("a", "the text 'a'"),
        ([], "a list"),
        ({}, "a mapping"),
        (1j, "complex"),
    ],
)
def test_kind_names_values_as_a_file_does(value, word):
    assert kind(value) == word


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (Anything(), "anything"),
        (ListOf(Text()), "a list"),
        (RULE, "a mapping"),
        (Number(minimum=0.5), "a number of at least 0.5"),
    ],
)
def test_describe_says_what_is_expected(schema, words):
    assert describe(schema) == words


SCALARS = st.one_of(
    st.just(Text()),
    st.just(Text(choices=("a", "b"))),
    st.just(Text(pattern="[ab]+|c")),
    st.just(Integer()),
    st.builds(Integer, minimum=st.integers(-2, 2), choices=st.just(())),
    st.just(Integer(choices=(0, 1))),
    st.builds(Number, minimum=st.none() | st.integers(-2, 0), maximum=st.none() | st.integers(0, 2)),
    st.just(Boolean()),
    st.just(Anything()),
)


def tables(inner):
    keys = st.lists(
        st.builds(Key, st.sampled_from("abc"), inner, st.just("a key"), st.booleans()), max_size=3, unique_by=lambda k: k.name
    )
    return keys.map(lambda found: Table(tuple(found)))


SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(ListOf, inner),
        st.builds(MapOf, inner, st.sampled_from(["", "[ab]"])),
        st.just(Either((Text(), ListOf(Integer()), Table((Key("a", Integer(), "a key"),))))),
        tables(inner),
    ),
    max_leaves=5,
)
# Whole floats are left out: JSON knows one kind of number, so a schema for editors cannot tell 1.0 from 1.
ATOMS = st.sampled_from([None, True, False, 0, 1, -1, 3, 0.5, -1.5, 2.25, "", "a", "b", "c", "ab", "d"])
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
)


def accepts(schema, value):
    try:
        check(value, schema, name="f.yaml")
    except MlgitError:
        return False
    return True


@given(SCHEMAS, VALUES)
def test_json_schema_accepts_just_what_check_accepts(schema, value):
    assert jsonschema.Draft202012Validator(json_schema(schema)).is_valid(value) == accepts(schema, value)


@given(SCHEMAS)
def test_json_schema_is_a_valid_schema(schema):
    jsonschema.Draft202012Validator.check_schema(json_schema(schema))


@given(SCHEMAS, st.data())
def test_generated_document_that_follows_is_accepted_by_both(schema, data):
    value = data.draw(following(schema))
    check(value, schema, name="f.yaml")
    jsonschema.Draft202012Validator(json_schema(schema)).validate(value)


def following(schema):
    """Values that follow a schema."""
    match schema:
        case Text(choices, pattern):
            return st.sampled_from(choices) if choices else st.sampled_from(["a", "ba", "c"] if pattern else ["", "x y", "é"])
        case Integer(minimum, choices):
            return st.sampled_from(choices) if choices else st.integers(min_value=minimum)
        case Number(minimum, maximum):
            return st.floats(minimum, maximum, allow_nan=False, allow_infinity=False) | st.just(0)
        case Boolean():
            return st.booleans()
        case Anything():
            return ATOMS
        case ListOf(item):
            return st.lists(following(item), max_size=2)
        case MapOf(item, pattern):
            return st.dictionaries(st.sampled_from("ab") if pattern else st.text(max_size=3), following(item), max_size=2)
        case Either(options):
            return st.one_of([following(option) for option in options])
        case Table(keys):
            required = {key.name: following(key.schema) for key in keys if key.required}
            return st.fixed_dictionaries(
                required, optional={key.name: following(key.schema) for key in keys if not key.required}
            )


def test_long_text_that_is_no_mapping_is_told_short():
    with pytest.raises(MlgitError) as error:
        check("x" * 10_000, Table(()), name="f.yaml")
    assert len(error.value.message) < 200
