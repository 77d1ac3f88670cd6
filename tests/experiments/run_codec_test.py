from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.experiments import run_codec
from mlgit.experiments.run import (
    LoggedRun,
    MetricPoint,
    ModelOutput,
    RunDataset,
    checked_path,
    experiment_id_of,
    is_experiment_id,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False)
TIMES = st.integers(-(1 << 60), 1 << 60)
POINTS = st.builds(MetricPoint, TEXTS, NUMBERS, TIMES, TIMES, TEXTS, TEXTS, TEXTS)
MAPPINGS = st.dictionaries(TEXTS, TEXTS, max_size=4)
DATASETS = st.builds(RunDataset, TEXTS, TEXTS, TEXTS, TEXTS, st.none() | TEXTS, st.none() | TEXTS, MAPPINGS)
RUNS = st.builds(
    LoggedRun,
    id=st.just("a" * 32),
    experiment_id=st.just("0"),
    name=TEXTS,
    user=TEXTS,
    status=st.sampled_from(["RUNNING", "FINISHED"]),
    start_time=TIMES,
    end_time=st.none() | TIMES,
    deleted=st.none() | TIMES,
    params=MAPPINGS,
    tags=MAPPINGS,
    metrics=st.lists(POINTS, max_size=4).map(lambda found: {each.key: each for each in found}),
    datasets=st.lists(DATASETS, max_size=2).map(tuple),
    model_inputs=st.lists(TEXTS, max_size=2).map(tuple),
    model_outputs=st.lists(st.builds(ModelOutput, TEXTS, TIMES), max_size=2).map(tuple),
    model_metrics=st.lists(POINTS, max_size=2).map(tuple),
    baseline=TEXTS,
    code=TEXTS,
    untracked=st.lists(TEXTS, max_size=2).map(tuple),
)


@given(RUNS)
def test_run_is_read_as_it_was_written_and_always_in_the_same_bytes(run):
    content = run_codec.encode_run(run)
    found = run_codec.decode_run(content, where="here")
    assert found == run
    assert run_codec.encode_run(found) == content
    assert json.loads(content)["schema"] == 1


@given(POINTS)
def test_line_of_a_point_is_what_the_encoder_makes_of_it(point):
    row = ["m", *run_codec.point_out(point)]
    assert run_codec.point_line(row) == run_codec.compact(row)
    assert run_codec.point_in(json.loads(run_codec.point_line(row))[1:]) == point


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
    )
)
def test_any_json_in_the_place_of_a_run_is_refused(value):
    with pytest.raises(MlgitError):
        run_codec.decode_run(json.dumps(value).encode(), where="here")


@given(st.data())
def test_any_value_in_the_place_of_a_field_is_refused_or_read(data):
    fields = run_codec.run_fields(LoggedRun("a" * 32, "0", "", "", "RUNNING", 0))
    key = data.draw(st.sampled_from(sorted(fields)))
    value = data.draw(st.none() | st.integers() | st.lists(st.integers()) | st.dictionaries(TEXTS, st.integers(), min_size=1))
    try:
        found = run_codec.decode_run(json.dumps({**fields, key: value}).encode(), where="here")
    except MlgitError:
        return
    assert run_codec.decode_run(run_codec.encode_run(found), where="here") == found


def test_number_too_large_for_a_float_is_refused():
    text = json.dumps(run_codec.run_fields(LoggedRun("a" * 32, "0", "", "", "RUNNING", 0)))
    with pytest.raises(MlgitError):
        run_codec.decode_run(text.replace('"metrics": {}', f'"metrics": {{"x": [1{"0" * 400}, 0, 0]}}').encode(), where="here")


@given(TEXTS)
def test_id_of_an_experiment_is_one(name):
    assert is_experiment_id(experiment_id_of(name))
    assert experiment_id_of(name) != experiment_id_of(name, number=2)


@given(st.text(max_size=30))
def test_path_that_is_kept_is_its_own_shortest_form(path):
    try:
        found = checked_path(path)
    except MlgitError:
        return
    assert checked_path(found) == found
    assert not {"", ".", ".."} & set(found.split("/"))
