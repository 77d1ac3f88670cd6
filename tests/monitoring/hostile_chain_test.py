"""Whatever stands where a verdict should: it is refused with its place, or it is shown; nothing else happens."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from mlgit.cli.monitor import verdict_screen
from mlgit.errors import MlgitError
from mlgit.monitoring import chain, chain_codec
from mlgit.monitoring.chain import Acceptance, Chain
from mlgit.report import monitor_page
from tests.kit import FULL
from tests.monitoring import chains

EXAMPLES = 3000 if FULL else 150
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -1, 2**63, 0]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\x1b[31m", "</svg><script>", "9999-12-31T23:59:59Z", "0001-01-01", "+275760-09-13T00:00:00Z", "\ud800"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def places(value, above=()):
    """Every place in a document."""
    yield above
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*above, key))


def put(document, place, value):
    """The document with another value at one place."""
    if not place:
        return value
    target = document
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    return document


DOCUMENTS = (chain_codec.encode_verdict(chains.verdict(1, word="page")), chain_codec.encode_verdict(chains.verdict(1)))
PLACES = sorted(places(json.loads(DOCUMENTS[0])), key=str)
ACCEPTED = chain_codec.encode_acceptance(chains.acceptance(1).acceptance)
OF_ACCEPTANCE = sorted(places(json.loads(ACCEPTED)), key=str)
COUNTED = chain_codec.encode_counts(chains.counts(1))
OF_COUNTS = sorted(places(json.loads(COUNTED)), key=str)


def show(verdict):
    """Everything that is made of a verdict."""
    accepted = Acceptance(verdict.window.digest, verdict.model_digest, "x", "y", "z <z>", 1)
    entries = (chain.of_verdict(verdict), chain.ChainEntry("accept", acceptance=accepted), chains.entry(2))
    found = Chain(chains.REF, "churn", "prod", entries=entries)
    shown = found.timeline
    assert len(shown) == 2
    page = monitor_page.page("churn", "prod", shown)
    assert "<script" not in page
    text = "\n".join([*verdict_screen.rows(shown, color=False), *verdict_screen.whole(shown[0], color=False)])
    assert "\x1b" not in text
    page.encode()
    text.encode()
    assert chain_codec.decode_verdict(chain_codec.encode_verdict(verdict), where="again") == verdict
    assert found.admitted(verdict.model_digest)


def tried(read):
    """What was read, None where it was refused with its place and a hint."""
    try:
        return read()
    except MlgitError as error:
        told = error
    assert told.message.startswith("here: ")
    assert told.hint
    return None


def changed(document, changes):
    """A document with other values at some places, as far as earlier changes left them."""
    for place, value in changes:
        with suppress(KeyError, TypeError, IndexError):
            document = put(document, place, value)
    return json.dumps(document).encode()


def check(data):
    verdict = tried(lambda: chain_codec.decode_verdict(data, where="here"))
    if verdict is not None:
        show(verdict)


@given(st.sampled_from(DOCUMENTS), st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_document_is_refused_with_its_place_or_shown(data, changes):
    check(changed(json.loads(data), changes))


@given(st.sampled_from(DOCUMENTS), st.integers(0, 3000), st.binary(max_size=8), st.integers(0, 8))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_bytes_are_refused_with_their_place_or_shown(data, start, put_in, taken_out):
    check(data[:start] + put_in + data[start + taken_out :])


@given(st.lists(st.tuples(st.sampled_from(OF_ACCEPTANCE), VALUES), min_size=1, max_size=2))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_acceptance_is_refused_with_its_place_or_read(changes):
    data = changed(json.loads(ACCEPTED), changes)
    found = tried(lambda: chain_codec.decode_acceptance(data, where="here", author="a <a>", when=1))
    if found is not None:
        assert all(isinstance(each, str) for each in (found.window, found.model_digest, found.name, found.reason))


@given(st.lists(st.tuples(st.sampled_from(OF_COUNTS), VALUES), min_size=1, max_size=2))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_counts_are_refused_with_their_place_or_read(changes):
    data = changed(json.loads(COUNTED), changes)
    found = tried(lambda: chain_codec.decode_counts(data, where="here"))
    if found is not None:
        assert chain_codec.encode_counts(found) == chain_codec.encode_counts(chain_codec.decode_counts(data, where="here"))
        assert all(each.counts.shape[0] == len(each.missing) for each in found.columns.values())
