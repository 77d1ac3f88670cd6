from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlgit.serving import strict_json
from mlgit.serving.rows import RefusedRequestError
from tests.kit import FULL

EXAMPLES = 5000 if FULL else 300

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


def nested(depth: int) -> bytes:
    """Lists in each other."""
    return b"[" * depth + b"]" * depth


def depth_of(value: Any) -> int:
    """How many objects and lists are in each other."""
    if isinstance(value, dict | list):
        return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"{", b"[1,]", b'{"a":1,}', b"{'a':1}", b'{"a":1}}', b'{"a":1} x', b"01", b"+1", b".5", b"1.", b"0x1"),
        *(b"NaN", b"Infinity", b"[-Infinity]", b"1e999", b"[-1e999]", b'"\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"a\nb"'),
        *(b"\xef\xbb\xbf{}", '{"a":1}'.encode("utf-16"), b"// a\n1", b"True", b"\x00"),
    ],
)
def test_what_is_not_json_is_refused(body):
    with pytest.raises(RefusedRequestError, match="not JSON") as caught:
        strict_json.parse(body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'[[{"a":{"b":1,"c":2,"b":3}}]]',
        b'{"data":[],"data":[]}',
        b'{"a":":","a":1}',
        b'{"x":":::","b":{"a":{},"a":{}}}',
    ],
)
def test_key_that_is_there_twice_is_refused(body):
    with pytest.raises(RefusedRequestError, match="twice"):
        strict_json.parse(body)


@pytest.mark.parametrize("body", [b'{"a:b":":","c":{"a:b":"::"}}', b'[{"a":1},{"a":1}]', b'{"a":{"a":{"a":1}}}', b'":"'])
def test_colon_in_a_text_is_no_key(body):
    assert strict_json.parse(body) == json.loads(body)


def test_refusal_repeats_nothing_of_the_body():
    for body in (b'{"secret": nope}', b'{"secret":1,"secret":2}', b'"secret' + nested(70)):
        with pytest.raises(RefusedRequestError) as caught:
            strict_json.parse(body)
        assert "secret" not in str(caught.value)
        assert "nope" not in str(caught.value)


@pytest.mark.parametrize("depth", [65, 66, 100, 1024, 1025, 100_000])
@pytest.mark.parametrize("wrap", [b"%s", b'{"a":%s}', b'{"a":[{"b":%s}]}'])
def test_what_is_nested_too_deep_is_refused(depth, wrap):
    with pytest.raises(RefusedRequestError):
        strict_json.parse(wrap % nested(depth))


def test_what_is_as_deep_as_is_allowed_is_taken():
    assert depth_of(strict_json.parse(nested(64))) == 64
    objects = b'{"a":' * 63 + b"{}" + b"}" * 63
    assert depth_of(strict_json.parse(objects)) == 64
    with pytest.raises(RefusedRequestError, match="deeper than 64"):
        strict_json.parse(b"[" + objects + b"]")
    with pytest.raises(RefusedRequestError, match="deeper than 64"):
        strict_json.parse(b'{"a":{"b":' + nested(63) + b"}}")


@settings(max_examples=EXAMPLES)
@given(values, st.booleans())
def test_document_is_what_another_reader_finds(value, is_ascii):
    body = json.dumps(value, ensure_ascii=is_ascii).encode()
    found = strict_json.parse(body)
    assert found == value
    assert json.dumps(found) == json.dumps(value) or not is_exact(value)


def is_exact(value: Any) -> bool:
    """Whether no integer is one that only a float holds."""
    if isinstance(value, dict | list):
        return all(map(is_exact, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, int) or abs(value) < 2**63


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200) | st.text('[]{}":,0a\\u. ', max_size=60).map(str.encode))
@example(b'{"":{"":0},"":0}')
def test_any_bytes_are_json_or_refused(body):
    try:
        found = strict_json.parse(body)
    except RefusedRequestError:
        return
    assert depth_of(found) <= 64

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    assert json.loads(body, object_pairs_hook=once) == found
