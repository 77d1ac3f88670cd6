"""Each construct of dvc.yaml is run by mlgit and by DVC, in two copies: both leave the same, and each stage goes its way."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgit.pipeline.load import load
from mlgit.pipeline.sources import WorkspaceFiles
from tests.kit import Completed, git, repository, write_tree
from tests.pipeline.constructs import CONSTRUCTS, LEAN, Construct
from tests.pipeline.differential import differences, run_dvc, run_mlgit

PAGE = Path(__file__).parents[2] / "docs/constructs.md"
FILES = {"in.txt": "in\n", "params.yaml": "depth: 3\ngroup: {rate: 0.5, on: 'on'}\nrows: [u, v]\n"}


def build(folder: Path, construct: Construct, away: Path) -> Path:
    """A project with the construct in it."""
    root = repository(folder / "project")
    text = construct.text.replace("{away}", str(away))
    write_tree(root, {**FILES, **construct.files, **({"dvc.yaml": text} if text else {})})
    write_tree(folder, {"there.txt": "there\n"})
    if construct.prepare:
        construct.prepare(root, away, quietly)
    git(root, "add", "--all", "--", ".")
    return root


def quietly(root: Path, *args: str) -> Completed:
    """DVC, which has to succeed."""
    done = run_dvc(root, args[0], *args[1:])
    assert done.code == 0, done.out
    return done


def same(ours: Path, theirs: Path) -> None:
    """Run in both copies: both agree, and leave the same."""
    ran, reproduced = run_mlgit(ours, "run"), run_dvc(theirs, "repro", "--all-pipelines")
    assert (ran.code, reproduced.code) == (0, 0), f"mlgit: {ran.out}\ndvc: {reproduced.out}"
    assert differences(ours, theirs) == {}


@pytest.mark.slow
@pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda each: each.name.replace("`", "").replace(" ", "-"))
def test_construct_goes_its_way_and_leaves_what_dvc_leaves(tmp_path, construct):
    away = write_tree(tmp_path / "away", {"there.txt": "there\n"})
    ours, theirs = (build(tmp_path / name, construct, away) for name in ("ours", "theirs"))
    ways = {stage.address: stage.exotic for stage in load(WorkspaceFiles(ours)).graph.stages}
    assert ways.keys() == construct.ways.keys()
    for address, way in construct.ways.items():
        assert ways[address] == way if way == LEAN else way in ways[address], address
    same(ours, theirs)
    for root in (ours, theirs):
        write_tree(root, {"in.txt": "changed\n", "params.yaml": FILES["params.yaml"].replace("0.5", "0.25")})
    same(ours, theirs)
    states = {row["state"] for row in run_mlgit(theirs, "run", "--json").json["stages"]}
    assert construct.runs_always or states <= {"unchanged"}, states


def rows() -> str:
    """The table as Markdown."""
    lines = ["| construct | runs |", "|---|---|"]
    for each in CONSTRUCTS:
        borrowed = [way for way in each.ways.values() if way != LEAN]
        lines.append(f"| {each.name} | {f'through DVC ({borrowed[0]})' if borrowed else 'by mlgit itself'} |")
    return "\n".join(lines) + "\n"


def test_page_of_constructs_is_the_table_that_is_tested():
    _, mark, table = PAGE.read_text().partition("| construct |")
    assert mark + table == rows()


def test_no_construct_is_named_twice():
    assert len({each.name for each in CONSTRUCTS}) == len(CONSTRUCTS)
