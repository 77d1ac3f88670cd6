"""dvc.lock and run-cache files as text: byte for byte what DVC's serializer writes, and the names it gives them."""

from __future__ import annotations

import copy

import pytest
from dvc.stage.cache import _get_cache_hash
from dvc.utils.serialize import dumps_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlgit.adapters.formats import documents
from mlgit.errors import MlgitError
from mlgit.pipeline import lock
from mlgit.pipeline.lock import lock_text
from mlgit.pipeline.model import Digest, Entry, Item
from tests.pipeline.generator import NAMES, VALUES

FEW = settings(max_examples=settings().max_examples // 4)
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
LINE_ENDS = "\n\r\x85\u2028\u2029\x0b\x0c"
texts = st.one_of(
    st.sampled_from([value for value in VALUES if isinstance(value, str)] + NAMES),
    st.text(max_size=30),
    st.text("ab :#-'\"\\\t\n%&*!?|>[]{},@`~=<0123456789é", max_size=40),
    st.text("ab ", min_size=60, max_size=200),
    st.lists(st.text("ab./-&|", min_size=1, max_size=60), min_size=2, max_size=20).map(" ".join),
    st.from_regex(r"[-+]?[0-9_]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?", fullmatch=True),
    st.sampled_from(
        ["0b1", "0o7", "0x1F", "1:30", "2020-01-01", "=", "<<", "on", "Yes", "NULL", "~", ".inf", "-.INF", ".nan", "null"]
    ),
)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none())
keys = st.one_of(texts.filter(bool), st.from_regex(r"[a-z_]+(?:\.[a-z0-9_]+)*", fullmatch=True))
values = st.recursive(
    st.one_of(texts, numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
md5s = st.one_of(st.just(MD5), st.from_regex(r"[0-9]{32}|[0-9]{3}e[0-9]{28}|0b[01]{30}|[0-9a-f]{32}", fullmatch=True))
digests = st.builds(Digest, md5s, st.integers(0, 10**12), st.one_of(st.none(), st.integers(0, 10**6)), st.booleans())
items = st.builds(Item, texts.filter(bool), digests)
entries = st.builds(
    Entry,
    cmd=st.one_of(texts.filter(bool), st.lists(texts.filter(bool), min_size=1, max_size=3).map(tuple)),
    deps=st.lists(items, max_size=3).map(tuple),
    params=st.dictionaries(
        st.sampled_from(["params.yaml", "a b.json", "é.toml"]), st.dictionaries(keys, values, max_size=3), max_size=2
    ),
    outs=st.lists(items, max_size=3).map(tuple),
)
names = st.one_of(st.sampled_from(["train", "-x", "a b", "1", "true", "s@1", "s@a-b"]), texts.filter(lambda text: text.strip()))


def dumped(document):
    """What DVC writes, without line ends that a lock cannot hold (ruamel itself does not read them back)."""
    return dumps_yaml(copy.deepcopy(document))


@settings(max_examples=settings().max_examples // 2)
@given(name=names, entry=entries)
@example(name="train", entry=Entry("echo " + "word " * 40))
@example(name="train", entry=Entry("a:b", params={"params.yaml": {"lr": 1e-5, "n": 10**20, "f": 1e16, "z": -0.0}}))
def test_text_of_an_entry_is_what_dvc_writes(name, entry):
    text = lock.entry_text(name, entry)
    if text is not None:  # None leaves the entry to DVC's serializer
        assert text == dumped({"stages": {name: lock.document(entry)}}).removeprefix("stages:\n")


@FEW
@given(entry=entries)
def test_text_of_a_run_is_what_dvc_writes(entry):
    text = lock.run_cache_text(entry)
    assert text in (None, dumped(lock.document(entry)))


def test_ordinary_entries_do_not_need_dvc():
    entry = Entry(
        ("python train.py --lr 0.1", "echo 'done' > log.txt"),
        (Item("data/raw.csv", Digest(MD5, 3)), Item("images", Digest(f"{MD5}.dir", 3, 2))),
        {"params.yaml": {"train.lr": 0.1, "layers": [1, 2], "net": {"name": "wide"}}},
        (Item("model.pkl", Digest(MD5, 5, None, True)),),
    )
    assert lock.entry_text("train@fold-1", entry) is not None


@FEW
@given(entry=entries)
def test_run_cache_names_are_those_of_dvc(entry):
    document = lock.document(entry)
    assert lock.run_cache_key(entry) == _get_cache_hash(copy.deepcopy(document), key=True)
    assert lock.run_cache_value(entry) == _get_cache_hash(copy.deepcopy(document))


def test_sizes_do_not_name_a_run_even_as_parameters():
    def value(size):
        return lock.run_cache_value(Entry("x", params={"params.yaml": {"a": {"size": size, "nfiles": size}}}))

    assert value(1) == value(2)


@FEW
@given(stages=st.dictionaries(names, entries, min_size=1, max_size=4))
def test_lock_is_split_into_its_stages_and_joined_again(stages):
    text = dumped({"schema": "2.0", "stages": {name: lock.document(entry) for name, entry in stages.items()}})
    head, pieces, tail = lock.split(text, list(stages), name="dvc.lock")
    assert (head, list(pieces), tail) == (lock.HEADER, list(stages), "")
    assert lock.join(head, pieces) == text


@pytest.mark.slow
@FEW
@given(stages=st.dictionaries(names, entries, min_size=1, max_size=3))
def test_stages_dumped_alone_and_joined_are_the_whole_lock(stages):
    pieces = {
        name: lock.entry_text(name, entry) or dumped({"stages": {name: lock.document(entry)}}).removeprefix("stages:\n")
        for name, entry in stages.items()
    }
    whole = dumped({"schema": "2.0", "stages": {name: lock.document(entry) for name, entry in stages.items()}})
    assert lock.join(lock.HEADER, pieces) == whole


@pytest.mark.parametrize("shared", [[1, 2], {"x": 1}, [], {}], ids=str)
def test_value_that_stands_twice_is_an_alias_numbered_through_the_file(shared):
    entries = {name: Entry("x", params={"params.yaml": {"a": {"b": value}, "a.b": value}}) for name, value in _twice(shared)}
    documents = {name: lock.document(entry) for name, entry in entries.items()}
    assert lock.entry_text("one", entries["one"]) is None
    pieces = {name: dumps_yaml({"stages": {name: document}}).removeprefix("stages:\n") for name, document in documents.items()}
    assert lock.join(lock.HEADER, pieces) == dumps_yaml({"schema": "2.0", "stages": documents})


def _twice(value):
    return [("one", copy.copy(value)), ("two", copy.copy(value))]


@FEW
@given(entry=entries)
def test_entry_comes_back_from_its_document(entry):
    assert lock.parse_entry(lock.document(entry), name="dvc.lock", stage="x") == entry


def read(text):
    return lock_text(text, documents.parse_yaml(text, name="dvc.lock"), name="dvc.lock")


def test_what_stands_after_the_stages_is_kept():
    found = read("schema: '2.0'\nstages:\n  a:\n    cmd: x\ndatasets:\n- name: d\n")
    assert (dict(found.pieces), found.tail) == ({"a": "  a:\n    cmd: x\n"}, "datasets:\n- name: d\n")


def test_what_stands_before_the_stages_is_kept():
    assert (
        read("schema: '2.0'\ndatasets:\n- name: d\nstages:\n  a:\n    cmd: x\n").head
        == "schema: '2.0'\ndatasets:\n- name: d\nstages:\n"
    )


def test_last_line_without_an_end_gets_one():
    assert read("schema: '2.0'\nstages:\n  a:\n    cmd: x").pieces == {"a": "  a:\n    cmd: x\n"}


def test_comments_between_stages_stay():
    text = "schema: '2.0'\nstages:\n# one\n  a:\n    cmd: x\n  # two\n\n  b:\n    cmd: y\n"
    found = read(text)
    assert lock.join(found.head, found.pieces, found.tail) == text


@pytest.mark.parametrize(
    "text",
    [
        "schema: '1.0'\nstages:\n  a:\n    cmd: x\n",
        "stages:\n  a:\n    cmd: x\n",
        "schema: '2.0'\nstages: 5\n",
        "schema: '2.0'\nother: 5\nstages:\n  a:\n    cmd: x\n",
        "- a\n",
    ],
)
def test_anything_else_is_refused_by_name(text):
    with pytest.raises(MlgitError, match=r"^dvc\.lock: "):
        read(text)


@pytest.mark.parametrize(
    "row",
    [
        {"path": "x", "hash": "md5", "md5": "../../../victim"},
        {"path": "x", "hash": "md5", "md5": f"{MD5}/.."},
        {"path": "x", "hash": "md5", "md5": ""},
        {"path": "x", "hash": "md5", "md5": 5},
        {"path": "x", "hash": "md5", "md5": MD5, "size": "5"},
        {"path": "x", "hash": "md5", "md5": MD5, "nfiles": "5"},
        {"path": 5, "hash": "md5", "md5": MD5},
        {"hash": "md5", "md5": MD5},
        5,
    ],
)
def test_item_that_dvc_would_not_write_is_refused_by_place(row):
    with pytest.raises(MlgitError, match=r"dvc\.lock: stages\.train: "):
        lock.parse_entry({"cmd": "x", "outs": [row]}, name="dvc.lock", stage="train")


@pytest.mark.parametrize(
    "row", [{"path": "x", "md5": MD5}, {"path": "x", "hash": "md5", "md5": MD5, "cloud": {}}, {"path": "x", "etag": "5"}]
)
def test_item_that_only_dvc_understands_leaves_the_stage_to_dvc(row):
    assert lock.parse_entry({"cmd": "x", "outs": [row]}, name="dvc.lock", stage="train") is None
