"""The graph: what may not be declared together, in which order stages run, and what a target names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.pipeline import graph
from mlgit.pipeline.graph import build, select
from mlgit.pipeline.model import Dependency, Output, Parameters, Stage
from mlgit.pipeline.render_graph import draw
from tests.kit.late import Module

networkx = Module("networkx")
reproduce = Module("dvc.repo.reproduce")


def stage(name, *, reads=(), writes=(), file="dvc.yaml", params=(), frozen=False):
    return Stage(
        name,
        file,
        cmd="x",
        deps=tuple(Dependency(path, path) for path in reads),
        params=tuple(Parameters(path, path) for path in params),
        outs=tuple(Output(path, path) for path in writes),
        frozen=frozen,
    )


def addresses(found, numbers):
    return [found.stages[number].address for number in sorted(numbers)]


def needs(found):
    return {each.address: addresses(found, found.needs[number]) for number, each in enumerate(found.stages)}


@pytest.mark.parametrize(
    ("reads", "writes"),
    [("data", "data"), ("data/x.csv", "data"), ("data", "data/x.csv"), ("data/a/b", "data"), ("data", "data/a/b")],
)
def test_reading_a_path_needs_who_writes_it_above_or_below_it(reads, writes):
    assert needs(build([stage("late", reads=[reads]), stage("early", writes=[writes])]))["late"] == ["early"]


@pytest.mark.parametrize(("reads", "writes"), [("data2", "data"), ("data", "data2"), ("a/b", "a/bc"), ("a", "b/a")])
def test_paths_that_only_look_alike_connect_nothing(reads, writes):
    assert needs(build([stage("one", reads=[reads]), stage("other", writes=[writes])]))["one"] == []


def test_parameter_file_that_a_stage_writes_connects_too():
    assert needs(build([stage("late", params=["best.yaml"]), stage("early", writes=["best.yaml"])]))["late"] == ["early"]


def test_frozen_stage_needs_nothing():
    found = build([stage("late", reads=["x"], frozen=True), stage("early", writes=["x"])])
    assert needs(found)["late"] == []


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (
            [stage("a", reads=["y"], writes=["x"]), stage("b", reads=["x"], writes=["y"])],
            r"dvc\.yaml: the stages depend on each other in a circle: 'a' -> 'b' -> 'a'",
        ),
        ([stage("a", reads=["d/x"], writes=["d"])], r"dvc\.yaml: stage 'a' reads and writes the same path"),
        ([stage("a", writes=["x"]), stage("b", writes=["x"])], r"dvc\.yaml: output 'x' is declared by two stages: 'a' and 'b'"),
        (
            [stage("a", writes=["x"]), stage("b", writes=["x"], file="sub/dvc.yaml")],
            r"sub/dvc\.yaml: output 'x' is declared by two stages: 'a' and 'sub/dvc\.yaml:b'",
        ),
        ([stage("a", writes=["d"]), stage("b", writes=["d/x"])], "outputs overlap: 'd' of 'a' and 'd/x' of 'b'"),
        ([stage("a", writes=["d/e/x"]), stage("b", writes=["d"])], "outputs overlap: 'd/e/x' of 'a' and 'd' of 'b'"),
        ([stage("a", writes=["sub"]), stage("b", file="sub/dvc.yaml")], r"sub/dvc\.yaml: lies inside 'sub', an output of 'a'"),
    ],
)
def test_what_may_not_be_declared_together_is_named(stages, message):
    with pytest.raises(MlgitError, match=message):
        build(stages)


def test_cycle_through_a_frozen_stage_is_refused_as_in_dvc():
    with pytest.raises(MlgitError, match="circle"):
        build([stage("a", reads=["y"], writes=["x"], frozen=True), stage("b", reads=["x"], writes=["y"])])


def test_circle_of_a_thousand_stages_is_found():
    stages = [stage(f"s{i}", reads=[f"x{i}"], writes=[f"x{(i + 1) % 1000}"]) for i in range(1000)]
    with pytest.raises(MlgitError, match="circle"):
        build(stages)


@st.composite
def declared(draw):
    """Stages in any order of declaration, some frozen, whose needs form no circle."""
    size = draw(st.integers(1, 9))
    rows = []
    for i in range(size):
        before = draw(st.lists(st.integers(0, i - 1), unique=True)) if i else []
        rows.append(stage(f"s{i}", reads=[f"x{j}" for j in before], writes=[f"x{i}"], frozen=draw(st.booleans())))
    return draw(st.permutations(rows))


@given(stages=declared())
def test_running_order_is_that_of_dvc(stages):
    owner = {out.target: each.name for each in stages for out in each.outs}
    theirs = networkx.DiGraph()
    theirs.add_nodes_from(each.name for each in stages)
    for each in stages:
        theirs.add_edges_from((each.name, owner[dep.target]) for dep in each.deps if not each.frozen)
    assert [each.name for each in build(stages).stages] == reproduce.plan_repro(theirs)


@given(stages=declared())
def test_needs_come_before_and_feeds_after(stages):
    found = build(stages)
    assert all(need < number for number in range(len(found.stages)) for need in found.needs[number])
    assert all(number in found.needs[after] for number in range(len(found.stages)) for after in found.feeds[number])


PROJECT = build(
    [
        stage("prepare", writes=["data/clean"]),
        stage("train@a", reads=["data/clean"], writes=["models/a"]),
        stage("train@b", reads=["data/clean"], writes=["models/b"]),
        stage("train", file="sub/dvc.yaml", writes=["sub/model"]),
        stage("", file="data/raw.csv.dvc", writes=["data/raw.csv"]),
    ]
)
TRAIN = ["train@a", "train@b"]


@pytest.mark.parametrize(
    ("target", "here", "found"),
    [
        ("prepare", "", ["prepare"]),
        ("train", "", TRAIN),
        ("train@a", "", ["train@a"]),
        ("train", "sub", ["sub/dvc.yaml:train"]),
        ("sub/dvc.yaml:train", "", ["sub/dvc.yaml:train"]),
        ("sub/dvc.yaml:train", "sub", ["sub/dvc.yaml:train"]),
        ("dvc.yaml:train", "sub", ["sub/dvc.yaml:train"]),
        ("../dvc.yaml:prepare", "sub", ["prepare"]),
        ("dvc.yaml:train", "", TRAIN),
        ("dvc.yaml", "", ["prepare", *TRAIN]),
        ("./dvc.yaml", "sub", ["sub/dvc.yaml:train"]),
        ("../dvc.yaml", "sub", ["prepare", *TRAIN]),
        ("data/raw.csv.dvc", "", ["data/raw.csv.dvc"]),
        ("raw.csv.dvc", "data", ["data/raw.csv.dvc"]),
        ("data/clean", "", ["prepare"]),
        ("clean/", "data", ["prepare"]),
        ("../models/b", "sub", ["train@b"]),
        ("data/raw.csv", "", ["data/raw.csv.dvc"]),
        ("sub", "", ["sub/dvc.yaml:train"]),
        ("sub/", "", ["sub/dvc.yaml:train"]),
        (".", "sub", ["sub/dvc.yaml:train"]),
        ("data", "", ["data/raw.csv.dvc"]),
    ],
)
def test_target_names_stages(target, here, found):
    assert sorted(addresses(PROJECT, select(PROJECT, [target], here=here))) == sorted(found)


@pytest.mark.parametrize(
    ("target", "found"),
    [("data/clean", ["prepare"]), ("sub/dvc.yaml", ["sub/dvc.yaml:train"]), ("sub", ["sub/dvc.yaml:train"])],
)
def test_target_may_be_an_absolute_path(target, found):
    assert addresses(PROJECT, select(PROJECT, [f"/some/project/{target}"], here="sub", root="/some/project")) == found
    with pytest.raises(MlgitError, match="no stage, file or output '/some/projects"):
        select(PROJECT, [f"/some/projects/{target}"], root="/some/project")


def test_no_target_means_everything():
    assert select(PROJECT, []) == set(range(5))


def test_root_from_below_means_everything():
    assert select(PROJECT, [".."], here="sub") == set(range(5))


def test_targets_add_up():
    assert len(select(PROJECT, ["train", "prepare"])) == 3


def test_unknown_target_names_the_nearest_stage():
    with pytest.raises(MlgitError, match=r"no stage, file or output 'prepar', did you mean 'prepare'\?"):
        select(PROJECT, ["prepar"])


def test_target_outside_the_project_names_nothing():
    with pytest.raises(MlgitError, match="no stage, file or output"):
        select(PROJECT, ["../../dvc.yaml"], here="sub")


def test_closure_holds_everything_needed():
    found = build(
        [stage("c", reads=["b"], writes=["c"]), stage("b", reads=["a"], writes=["b"]), stage("a", writes=["a"]), stage("z")]
    )
    number = found.numbers()["b"]
    assert addresses(found, found.closure([number])) == ["a", "b"]


def test_graph_of_no_stages_is_empty():
    assert build([]) == graph.Graph((), (), ())


def test_text_of_a_long_chain_stays_narrow_and_names_every_stage():
    chain = build([stage(f"s{n}", reads=[f"o{n - 1}"] if n else [], writes=[f"o{n}"]) for n in range(300)])
    rows = draw(chain, set(range(300)), form="text").splitlines()
    assert [row.split()[-1] for row in rows] == [f"s{n}" for n in range(300)]
    assert max(map(len, rows)) < 80
    anew = [row for row in rows if row.startswith("(after ")]
    assert anew[0] == f"(after s{rows.index(anew[0]) - 1}) s{rows.index(anew[0])}"
