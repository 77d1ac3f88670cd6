"""Snapshots as tests write them: by hand, and drawn by Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from mlgit.config import Config
from mlgit.pipeline.model import Digest
from mlgit.revision.refs import Notice
from mlgit.revision.snapshot import Data, Snapshot, StageSnapshot
from mlgit.tables.shape import Shape

NASTY = "a|b`c`<script>\x1b[31m\n@everyone ![x](https://example.com) [y](z) *b* _i_ $x$ ~~s~~ \u202e"


def digest(letter: str = "a", *, size: int = 10, nfiles: int | None = None) -> Digest:
    """A digest that is told from others by its letter."""
    return Digest(letter * 32 + (".dir" if nfiles is not None else ""), size, nfiles)


def metrics(values: dict, *, name: str = "x", **directions: str) -> Snapshot:
    """A snapshot with one metrics file."""
    return Snapshot(name, metrics={"m.json": values}, config=Config(directions))


_names = st.sampled_from(["a", "b", "c.d", "c.e", NASTY])
_files = st.sampled_from(["m.json", "n.yaml", NASTY])
_scalars = st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=5))
_values = st.recursive(
    st.one_of(st.none(), _scalars),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=2)),
    max_leaves=4,
)
_digests = st.builds(
    digest, st.sampled_from("abc"), size=st.integers(0, 10**12), nfiles=st.one_of(st.none(), st.integers(-1, 5))
)
_shapes = st.builds(Shape, st.integers(0, 10**6), st.lists(_names, unique=True).map(tuple))
_data = st.builds(
    Data,
    st.sampled_from(["data", "out", "metric", "plot"]),
    st.one_of(st.none(), _digests),
    st.one_of(st.none(), _shapes),
)
_steps = st.builds(
    StageSnapshot,
    st.one_of(_names, st.lists(_names, min_size=1, max_size=2).map(tuple)),
    st.dictionaries(_files, st.one_of(st.none(), _digests), max_size=3),
    st.dictionaries(_names, _values, max_size=3),
    st.lists(_files, unique=True).map(tuple),
)
snapshots = st.builds(
    Snapshot,
    name=st.sampled_from(["main", "workspace", NASTY]),
    commit=st.sampled_from(["", "0123456789" * 4]),
    metrics=st.dictionaries(_files, st.dictionaries(_names, _scalars, max_size=4), max_size=3),
    parameters=st.dictionaries(_files, st.dictionaries(_names, _values, max_size=4), max_size=3),
    data=st.dictionaries(_files, _data, max_size=3),
    stages=st.dictionaries(_names, _steps, max_size=3),
    config=st.builds(Config, st.dictionaries(_names, st.sampled_from(["higher", "lower"]))),
    unread=st.frozensets(_files, max_size=1),
    stale=st.lists(_names, unique=True).map(tuple),
    notes=st.lists(st.builds(Notice, _names, _names), max_size=2).map(tuple),
)
