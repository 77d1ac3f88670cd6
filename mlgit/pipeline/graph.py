"""The graph of stages: who reads what whom writes, in which order they run, and what may not be declared together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mlgit.errors import MlgitError
from mlgit.pipeline.lock import LockText
from mlgit.pipeline.model import Entry, Output, Stage
from mlgit.schema import near_miss


class _Node:
    """A folder of the tree of declared outputs; `owner` is the stage whose output this path is."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.owner = -1
        self.output: Output | None = None

    def below(self) -> Iterator[_Node]:
        """All outputs strictly below, in the order they were declared."""
        for child in self.children.values():
            if child.output is not None:
                yield child
            yield from child.below()


class Graph(NamedTuple):
    """Stages in running order (dependencies first, as DVC plans them), and the edges between them by index.

    `needs[i]` are the stages whose outputs stage i reads, `feeds[i]` the stages that read the outputs of i.
    Dependencies of a frozen stage are cut, as in `dvc repro`.
    """

    stages: tuple[Stage, ...]
    needs: tuple[tuple[int, ...], ...]
    feeds: tuple[tuple[int, ...], ...]

    def numbers(self) -> dict[str, int]:
        return {stage.address: number for number, stage in enumerate(self.stages)}

    def closure(self, chosen: Iterable[int]) -> set[int]:
        """The chosen stages and everything they need, directly or not."""
        found: set[int] = set()
        waiting = list(chosen)
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting.extend(self.needs[number])
        return found


class Pipeline(NamedTuple):
    """Everything declared and recorded: the graph, the lock entries by stage address, and the lock files' texts.

    `foreign` are entries that only DVC can go by (of DVC 2, or with cloud versions), with those items that have an md5.
    """

    graph: Graph
    entries: Mapping[str, Entry]
    foreign: Mapping[str, Entry]
    locks: Mapping[str, LockText]

    @property
    def names_remotes(self) -> bool:
        """Whether any output names a DVC remote of its own."""
        return any(out.remote for stage in self.graph.stages for out in stage.outs)


def build(stages: Sequence[Stage]) -> Graph:
    """Connect the stages.

    Raises MlgitError, naming files and stages, for two stages with one output, an output inside another, a pipeline
    file inside an output, a path that a stage both reads and writes, and a cycle.
    """
    root = _outputs_tree(stages)
    _check_files(stages, root)
    edges = [tuple(dict.fromkeys(_upstream(stage, root))) for stage in stages]
    _check_acyclic(stages, edges)
    return _arrange(stages, [() if stage.frozen else needs for stage, needs in zip(stages, edges, strict=True)])


def _outputs_tree(stages: Sequence[Stage]) -> _Node:
    root = _Node()
    for number, stage in enumerate(stages):
        for out in stage.outs:
            node = root
            for part in out.target.split("/"):
                if node.output is not None:
                    _refuse_overlap(stages, node, number, out)
                node = node.children.setdefault(part, _Node())
            if node.output is not None:
                _refuse_duplicate(stages, node, number, out)
            inside = next(node.below(), None)
            if inside is not None:
                _refuse_overlap(stages, inside, number, out)
            node.owner, node.output = number, out
    return root


def _refuse_duplicate(stages: Sequence[Stage], node: _Node, number: int, out: Output) -> None:
    one, other = stages[node.owner], stages[number]
    raise MlgitError(
        f"{other.file}: output '{out.target}' is declared by two stages: '{one.address}' and '{other.address}'",
        "give each stage an output of its own",
    )


def _refuse_overlap(stages: Sequence[Stage], node: _Node, number: int, out: Output) -> None:
    one, other = stages[node.owner], stages[number]
    assert node.output is not None
    raise MlgitError(
        f"{other.file}: outputs overlap: '{node.output.target}' of '{one.address}' and '{out.target}' of '{other.address}'",
        "put the outputs of different stages into different folders",
    )


def _check_files(stages: Sequence[Stage], root: _Node) -> None:
    for file in dict.fromkeys(stage.file for stage in stages):
        node = root
        for part in file.split("/"):
            if node.output is not None:
                raise MlgitError(f"{file}: lies inside '{node.output.target}', an output of '{stages[node.owner].address}'")
            found = node.children.get(part)
            if found is None:
                break
            node = found


def _upstream(stage: Stage, root: _Node) -> Iterator[int]:
    for target in (*(dep.target for dep in stage.deps), *(params.target for params in stage.params)):
        node: _Node | None = root
        for part in target.split("/"):
            node = node.children.get(part) if node else None
            if node is None:
                break
            if node.output is not None:
                yield node.owner
        else:
            assert node is not None
            yield from (inner.owner for inner in node.below())


def _check_acyclic(stages: Sequence[Stage], edges: Sequence[Sequence[int]]) -> None:
    state = [0] * len(stages)  # 0 new, 1 on the path from the start, 2 done
    for start in range(len(stages)):
        if state[start]:
            continue
        state[start] = 1
        path = [(start, iter(edges[start]))]
        while path:
            number, needs = path[-1]
            following = next(needs, None)
            if following is None:
                state[number] = 2
                path.pop()
            elif state[following] == 1:
                _refuse_cycle(stages, [each for each, _ in path], following)
            elif state[following] == 0:
                state[following] = 1
                path.append((following, iter(edges[following])))


def _refuse_cycle(stages: Sequence[Stage], path: list[int], closing: int) -> None:
    circle = [*path[path.index(closing) :], closing]
    if len(circle) == 2:
        stage = stages[closing]
        raise MlgitError(
            f"{stage.file}: stage '{stage.address}' reads and writes the same path", "a stage cannot depend on its own output"
        )
    names = " -> ".join(f"'{stages[number].address}'" for number in circle)
    raise MlgitError(
        f"{stages[closing].file}: the stages depend on each other in a circle: {names}", "remove one of these dependencies"
    )


def _arrange(stages: Sequence[Stage], edges: Sequence[Sequence[int]]) -> Graph:
    """Number the stages in the order `dvc repro` visits them: depth first, dependencies before dependents."""
    order: list[int] = []
    seen = [False] * len(stages)
    for start in range(len(stages)):
        if seen[start]:
            continue
        seen[start] = True
        path = [(start, iter(edges[start]))]
        while path:
            number, needs = path[-1]
            following = next((each for each in needs if not seen[each]), None)
            if following is None:
                order.append(number)
                path.pop()
            else:
                seen[following] = True
                path.append((following, iter(edges[following])))
    place = {number: position for position, number in enumerate(order)}
    needs_by_place = tuple(tuple(place[each] for each in edges[number]) for number in order)
    feeds: list[list[int]] = [[] for _ in order]
    for position, required in enumerate(needs_by_place):
        for each in required:
            feeds[each].append(position)
    return Graph(tuple(stages[number] for number in order), needs_by_place, tuple(map(tuple, feeds)))


def select(graph: Graph, targets: Sequence[str], *, here: str = "", root: str = "") -> set[int]:
    """The stages that the targets name; all of them without targets.

    A target is a stage (`train`), a group of foreach or matrix stages, an address (`sub/dvc.yaml:train`), a pipeline
    or .dvc file, a folder, or an output. `here` is the folder the user stands in, relative to the
    root; `root` is the project's folder, for targets that are absolute paths.
    Raises MlgitError with the near miss for a target that names nothing.
    """
    if not targets:
        return set(range(len(graph.stages)))
    return {number for target in targets for number in _named(graph, *_seen_from_root(target, here, root))}


def _seen_from_root(target: str, here: str, root: str) -> tuple[str, str]:
    if root and (target == root or target.startswith(f"{root}/")):
        return target[len(root) + 1 :] or ".", ""
    return target, here


def _named(graph: Graph, target: str, here: str) -> set[int]:
    path = _normal(f"{here}/{target}" if here else target)
    file, _, name = target.rpartition(":")
    wanted_file = _normal(f"{here}/{file}" if here else file) if file else _normal(f"{here}/dvc.yaml")
    tests: tuple[Callable[[Stage], bool], ...] = (
        lambda stage: stage.file == wanted_file and stage.name in (target, name),
        lambda stage: stage.file == wanted_file and stage.name.rpartition("@")[0] in (target, name),
        lambda stage: stage.address == target,
        lambda stage: stage.file == path,
        lambda stage: any(out.target == path for out in stage.outs),
        lambda stage: path == "" or stage.file.startswith(f"{path}/"),
        lambda stage: any(out.target.startswith(f"{path}/") for out in stage.outs),
    )
    for test in tests:
        found = {number for number, stage in enumerate(graph.stages) if test(stage)}
        if found:
            return found
    known = [stage.address for stage in graph.stages]
    raise MlgitError(f"no stage, file or output '{target}'" + near_miss(target, known), "`mlgit dag` shows all stages")


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
