"""A project whose commands note outside of it that they ran: to prove that nothing ran."""

from __future__ import annotations

from tests.kit import repository, write_tree

PIPELINE = """\
stages:
  prepare:
    cmd: echo prepare >> {log}; cat raw.txt > clean.txt
    deps: [raw.txt]
    outs: [clean.txt]
  train:
    cmd: echo train >> {log}; head -n 1 params.yaml | cat clean.txt - > model.txt
    deps: [clean.txt]
    params: [depth]
    outs: [model.txt]
  evaluate:
    cmd: echo evaluate >> {log}; cat model.txt > score.txt
    deps: [model.txt]
    params: [metric.name]
    outs: [score.txt]
  report:
    cmd: echo report >> {log}; cat raw.txt > report.txt
    deps: [raw.txt]
    outs: [report.txt]
"""
PARAMS = "depth: 3\nmetric: {name: auc}\nunused: 1\n"


class Pipeline:
    """A project whose commands note outside of it that they ran."""

    def __init__(self, folder, cli):
        self.log = folder / "ran.log"
        self.log.touch()
        self.root = write_tree(
            repository(folder / "project"),
            {"dvc.yaml": PIPELINE.format(log=self.log), "params.yaml": PARAMS, "raw.txt": "raw\n", "sub/.keep": ""},
        )
        self._cli = cli

    def __call__(self, *args, below=""):
        return self._cli(self.root / below, *args)

    def ran(self):
        """The stages whose commands ran since the last call, in order of the file."""
        found = self.log.read_text().split()
        self.log.write_text("")
        return sorted(found, key=["prepare", "train", "evaluate", "report"].index)

    def states(self, *args):
        """Run with --json; the states by stage."""
        return {row["name"]: row["state"] for row in self("run", "--json", *args).json["stages"]}

    def write(self, path, text):
        (self.root / path).write_text(text)
