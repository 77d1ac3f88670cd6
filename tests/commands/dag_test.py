"""The graph of a pipeline, from Python."""

from __future__ import annotations

from mlgit.commands.dag import dag


def test_graph_can_be_read_and_drawn(notebook):
    notebook()
    found = dag()
    assert found.document()["stages"] == [{"name": "prepare", "needs": []}, {"name": "train", "needs": ["prepare"]}]
    assert "prepare" in found.picture()
    assert found.picture("mermaid").startswith("flowchart")
    assert [each["name"] for each in dag(["prepare"]).document()["stages"]] == ["prepare"]
