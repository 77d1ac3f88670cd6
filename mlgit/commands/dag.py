"""The pipeline as a graph: stages, what each needs, and pictures of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.commands.open_project import open_project
from mlgit.pipeline.graph import Graph, select
from mlgit.pipeline.render_graph import draw


@dataclass(frozen=True, slots=True)
class PipelineGraph:
    """A graph of stages, and the numbers of those that were asked for with all that they need."""

    graph: Graph
    chosen: frozenset[int]

    def picture(self, form: str = "text") -> str:
        """The chosen stages drawn: as text, or in a language for pictures (`pipeline.draw.FORMATS`)."""
        return draw(self.graph, self.chosen, form=form)

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        names = [stage.address for stage in self.graph.stages]
        rows = [
            {"name": names[number], "needs": [names[need] for need in sorted(self.graph.needs[number])]}
            for number in sorted(self.chosen)
        ]
        return {"schema": 1, "stages": rows}


def dag(targets: Sequence[str] = ()) -> PipelineGraph:
    """The stages that the targets name (none: all of the project), with all that they need."""
    opened = open_project()
    graph = opened.pipeline.graph
    chosen = graph.closure(select(graph, targets, here=opened.here, root=str(opened.project.root)))
    return PipelineGraph(graph, frozenset(chosen))
