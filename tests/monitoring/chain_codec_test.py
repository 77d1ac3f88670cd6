"""What the commits of a chain hold: the same bytes for the same values, and nothing believed."""

from __future__ import annotations

import json

import pytest

from mlgit.errors import MlgitError
from mlgit.monitoring import chain_codec
from tests.kit.late import Module
from tests.monitoring import chains

np = Module("numpy")


def changed(data, change):
    document = json.loads(data)
    change(document)
    return json.dumps(document).encode()


def test_verdict_comes_back_as_it_was():
    given = chains.verdict(1, word="page")
    assert chain_codec.decode_verdict(chain_codec.encode_verdict(given), where="here") == given


def test_counts_come_back_as_they_were():
    given = chains.counts(4)
    found = chain_codec.decode_counts(chain_codec.encode_counts(given), where="here")
    assert (found.rows, found.unknown, found.lacking) == (given.rows, given.unknown, given.lacking)
    assert found.columns.keys() == given.columns.keys()
    for name, column in given.columns.items():
        for part in ("counts", "missing", "sums", "squares"):
            one, other = getattr(column, part), getattr(found.columns[name], part)
            assert (one is None) == (other is None)
            assert one is None or (one.tolist() == other.tolist() and one.shape == other.shape)


def test_same_counts_give_the_same_bytes_in_whatever_order_columns_came():
    one = chains.counts(1)
    other = type(one)(one.rows, dict(reversed(one.columns.items())), one.unknown, one.lacking)
    assert chain_codec.encode_counts(one) == chain_codec.encode_counts(other)


def test_keys_of_a_later_mlgit_are_passed_over():
    data = changed(
        chain_codec.encode_verdict(chains.verdict(1)),
        lambda document: (document.update(new=1), document["columns"][0].update(new=1), document["metrics"][0].update(new=1)),
    )
    assert chain_codec.decode_verdict(data, where="here") == chains.verdict(1)


def test_words_of_a_later_mlgit_are_read_where_they_decide_nothing():
    data = changed(chain_codec.encode_verdict(chains.verdict(1)), lambda document: document.update(method="next"))
    assert chain_codec.decode_verdict(data, where="here").method == "next"


HOSTILE = {
    "no JSON": lambda data: b"{",
    "no text": lambda data: b"\xff\xfe",
    "a list": lambda data: b"[]",
    "depth": lambda data: b"[" * 200_000,
    "another schema": lambda data: changed(data, lambda document: document.update(schema=2)),
    "an unknown verdict": lambda data: changed(data, lambda document: document.update(verdict="fine")),
    "a window that is a text": lambda data: changed(data, lambda document: document.update(window="x")),
    "a window without a name": lambda data: changed(data, lambda document: document["window"].pop("name")),
    "rows that are a text": lambda data: changed(data, lambda document: document["window"].update(rows="many")),
    "columns that are a number": lambda data: changed(data, lambda document: document.update(columns=1)),
    "a column that is a number": lambda data: changed(data, lambda document: document.update(columns=[1])),
    "a score that is a text": lambda data: changed(data, lambda document: document["columns"][0].update(score="high")),
    "a score without end": lambda data: data.replace(b'"score": 0.5', b'"score": 1e999'),
    "a score that is none": lambda data: data.replace(b'"score": 0.5', b'"score": NaN'),
    "a number of many digits": lambda data: data.replace(b'"n_batches": 40', b'"n_batches": ' + b"9" * 4000),
    "a number of too many digits": lambda data: data.replace(b'"n_batches": 40', b'"n_batches": ' + b"9" * 5000),
    "a text without end": lambda data: changed(data, lambda document: document.update(reason="x" * 30_000)),
    "too many notes": lambda data: changed(data, lambda document: document.update(notes=["x"] * 30_000)),
    "a truth value as a number": lambda data: changed(data, lambda document: document.update(pvalue=True)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_verdict_is_refused_with_its_place(name):
    data = HOSTILE[name](chain_codec.encode_verdict(chains.verdict(1)))
    with pytest.raises(MlgitError, match=r"^here: ") as told:
        chain_codec.decode_verdict(data, where="here")
    assert told.value.hint
    assert len(told.value.message) < 300


OF_COUNTS = {
    "no mapping": lambda document: document.update(columns=[]),
    "no rows": lambda document: document.pop("rows"),
    "rows that are a text": lambda document: document.update(rows="many"),
    "lacking that is a number": lambda document: document.update(lacking=1),
    "counts in rows of other lengths": lambda document: document["columns"]["amount"].update(counts=[[1, 2], [3]]),
    "counts below zero": lambda document: document["columns"]["amount"].update(counts=[[1, -2]]),
    "counts with a part": lambda document: document["columns"]["amount"].update(counts=[[1, 2.5]]),
    "counts that are texts": lambda document: document["columns"]["amount"].update(counts=[["1"]]),
    "counts that are too large": lambda document: document["columns"]["amount"].update(counts=[[10**30]]),
    "counts in one row": lambda document: document["columns"]["amount"].update(counts=[1, 2]),
    "no counts": lambda document: document["columns"]["amount"].update(counts=[]),
    "sums of another number of batches": lambda document: document["columns"]["amount"].update(sums=[1.0, 2.0]),
    "sums that are null": lambda document: document["columns"]["amount"].update(sums=[None]),
    "unknown that is a list": lambda document: document.update(unknown=[1]),
    "unknown rows that are texts": lambda document: document.update(unknown={"country": [["EUR", "x"]]}),
}


@pytest.mark.parametrize("name", OF_COUNTS)
def test_hostile_counts_are_refused_with_their_place(name):
    data = changed(chain_codec.encode_counts(chains.counts(1)), OF_COUNTS[name])
    with pytest.raises(MlgitError, match=r"^here: "):
        chain_codec.decode_counts(data, where="here")


@pytest.mark.parametrize("change", [{"window": 1}, {"reason": None}, {"schema": 9}, {"name": ["x"]}])
def test_hostile_acceptance_is_refused_with_its_place(change):
    data = changed(chain_codec.encode_acceptance(chains.acceptance(1).acceptance), lambda document: document.update(change))
    with pytest.raises(MlgitError, match=r"^here: "):
        chain_codec.decode_acceptance(data, where="here", author="a <b>", when=1)
