"""The texts of tags: what is written is read again, by mlgit and as YAML, and what others wrote does no harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.formats import documents
from mlgit.registry import tag_message
from mlgit.registry.tag_message import Body

OID = "d" * 40
# Words that YAML reads as something else than text, or that break a line of it.
_TRICKY = [
    "yes",
    "NO",
    "null",
    "~",
    "1e5",
    "0x1f",
    "1:30",
    ".inf",
    "a: b",
    "a #b",
    "a:",
    "- a",
    "&a",
    "*a",
    "!a",
    "",
    " a",
    "a ",
]
_TRICKY += [
    "é",
    "a\u2028b",
    "\ufeff",
    "\U000e0001",
    "\U0001f600",
    "a\tb",
    "a\nb",
    "\x00",
    "\x7f",
    "\x85",
    '"',
    "\\",
    "---",
    "<<",
    "=",
]
_TEXT = st.text(max_size=12) | st.sampled_from(_TRICKY)
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_FACTS = st.dictionaries(st.from_regex(r"\A[a-z_][a-z0-9_]{0,8}\Z"), _VALUES, max_size=6).map(
    lambda facts: {**facts, "mlgit": 1}
)
# Lines as a person, or somebody who means ill, may write them.
_LINES = st.lists(
    st.text(max_size=20)
    | st.sampled_from(
        ["---", "mlgit: 1", "version: v9.9.9", f"previous: x@v1.0.0 {OID}", "-----BEGIN PGP SIGNATURE-----", "#"]
    ),
    max_size=5,
).map("\n".join)


@given(_LINES, _LINES, _FACTS)
def test_facts_are_read_as_written_whatever_the_words_above_say(sentence: str, reason: str, facts: dict[str, Any]) -> None:
    text = tag_message.render(Body(sentence, reason, facts))
    found = tag_message.parse(text)
    assert (found.facts, found.fault) == (facts, "")
    assert tag_message.parse(tag_message.render(found)).facts == facts
    assert tag_message.previous(text) is None or "previous" in facts


@given(_FACTS)
def test_facts_are_yaml_with_the_same_values(facts: dict[str, Any]) -> None:
    text = tag_message.render(Body("Registering", "why", facts))
    assert documents.parse_yaml(text.partition("\n---\n")[2], name="facts") == facts


@given(st.lists(st.from_regex(r"\A[a-zA-Z0-9#@ ]*[a-zA-Z0-9]\Z"), min_size=2, max_size=5))
def test_words_are_read_as_written(lines: list[str]) -> None:
    sentence, reason = lines[0].strip(), "\n".join(lines[1:])
    for facts in ({}, {"mlgit": 1}):
        assert tag_message.parse(tag_message.render(Body(sentence, reason, facts))) == Body(sentence, reason, facts)


@given(
    st.text() | st.text().map(lambda tail: f"x\n---\nmlgit: 1\n{tail}") | st.text().map(lambda tail: f"x\n---\nmlgit: {tail}")
)
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    found = tag_message.parse(text)
    assert not (found.facts and found.fault)
    json.dumps(dict(found.facts), allow_nan=False)
    tag_message.previous(text)


_HOSTILE = {
    "an anchor": "a: &a [1]",
    "an alias": "a: *a",
    "a tag": "a: !!python/object/apply:os.system [id]",
    "a bomb": 'a: &a ["x"]\nb: &b [*a, *a]',
    "a value over lines": "a: |\n  b",
    "a key twice": "a: 1\na: 2",
    "a key twice within": 'a: {"b": 1, "b": 2}',
    "no key": "just words",
    "a list": "- a",
    "a capital key": "Event: register",
    "deep nesting": f"a: {'[' * 100_000}",
    "much": f"a: {'x' * 70_000}",
    "not a number": "a: NaN",
    "infinity": "a: -Infinity",
    "too large a number": "a: 1e999",
    "too many digits": f"a: {'9' * 5000}",
    "a map on a line": "a: b: c",
    "a control character": "a: \x1b[31m",
    "a carriage return": "a: b\rc: d",
    "an empty value": "a: ",
}


@pytest.mark.parametrize("hostile", _HOSTILE)
def test_hostile_facts_are_refused_as_a_whole(hostile: str) -> None:
    found = tag_message.parse(f"Registering artifact a\n\nwhy\n---\nmlgit: 1\n{_HOSTILE[hostile]}\n")
    assert (found.sentence, found.reason, found.facts) == ("Registering artifact a", "why", {})
    assert found.fault
    assert found.fault.isprintable()
    assert len(found.fault) < 200


@pytest.mark.parametrize("version", ["2", "true", '"1"', "1.0", "[1]", ""])
def test_facts_of_another_format_are_not_guessed_at(version: str) -> None:
    found = tag_message.parse(f"x\n---\nmlgit: {version}\nevent: register\n")
    assert not found.facts
    assert found.fault


@pytest.mark.parametrize("kind", ["PGP SIGNATURE", "PGP MESSAGE", "SSH SIGNATURE", "SIGNED MESSAGE"])
def test_nothing_in_or_after_a_signature_counts(kind: str) -> None:
    text = tag_message.render(Body("Registering", "why", {"mlgit": 1, "version": "v1.0.0"}))
    forged = f"\n---\nmlgit: 1\nversion: v6.6.6\nprevious: a@v1.0.0 {OID}\n"
    signed = f"{text}-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n{forged}"
    assert tag_message.parse(signed) == tag_message.parse(text)
    assert tag_message.previous(signed) is None
    assert tag_message.split(signed)[0] == text


def test_a_text_cannot_be_made_to_end_early_by_a_line_like_a_signature() -> None:
    facts = {"mlgit": 1, "previous": f"a@v1.0.0 {OID}"}
    text = tag_message.render(Body("Registering", "-----BEGIN PGP SIGNATURE-----\nAAAA", facts))
    assert tag_message.parse(text).facts == facts
    assert tag_message.previous(text) == ("a@v1.0.0", OID)


@pytest.mark.parametrize(
    "facts", [{"event": "register"}, {"mlgit": 1, "Event": 1}, {"mlgit": 1, "a b": 1}, {"mlgit": 1, "a": float("nan")}]
)
def test_what_could_not_be_read_again_is_not_written(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        tag_message.render(Body("x", "", facts))
