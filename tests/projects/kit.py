"""A project as who types commands has it: begun by `mlgit init`, changed on branches, judged by gate, diff and report."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit import Completed, commit, git, write_tree
from tests.kit.once import copied, once

Call = Callable[..., Completed]
# path -> what stands there, and what instead
Edits = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What `mlgit gate` said: exit code and document."""

    code: int
    document: Any

    @property
    def verdict(self) -> str:
        return str(self.document["verdict"])

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each rule."""
        return {each["id"]: each["outcome"] for each in self.document["rules"]}

    @property
    def values(self) -> dict[str, float]:
        """The value of each metric now."""
        return {each["metric"]: each["current"] for each in self.document["metrics"]}

    @property
    def said(self) -> str:
        """All reasons, ways out, notes, and what of the rules would change."""
        rules, tested = self.document["rules"], self.document["tested"]
        told = [f"{each['id']}: {each['outcome']}: {each['reason']} [{each['settle']}]" for each in rules]
        told += [each["trouble"] for each in tested] + [what for each in tested for what in each["judging"]]
        changes = [f"{each['id']}: {each['before']} -> {each['now']}" for each in self.document["rule_changes"]]
        return "\n".join([*told, *changes, *self.document["notes"]])

    def metric(self, name: str) -> Any:
        """All that is known of a metric."""
        (found,) = [each for each in self.document["metrics"] if each["metric"] == name]
        return found

    def rule(self, name: str) -> Any:
        """All that is known of a rule."""
        (found,) = [each for each in self.document["rules"] if each["id"] == name]
        return found


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that is a project, and how commands are called there."""

    root: Path
    call: Call

    def do(self, *args: str) -> Completed:
        """A command that has to say yes."""
        done = self.call(self.root, *args)
        assert done.code == 0, (args, done.said)
        return done

    def edit(self, edits: Edits) -> None:
        """Write something else in files; what it stands for has to be there."""
        for path, (old, new) in edits.items():
            text = (self.root / path).read_text()
            assert old in text, (path, old)
            (self.root / path).write_text(text.replace(old, new))

    def change(self, edits: Edits, *, branch: str = "change") -> str:
        """A change on a branch of its own, as a pull request has it: edited, run and committed."""
        git(self.root, "switch", "--quiet", "--create", branch, "main")
        self.edit(edits)
        self.do("run")
        return commit(self.root, f"Make a {branch}")

    def judged(self, edits: Edits, *, branch: str = "change") -> Judged:
        """What the gate says of a change."""
        self.change(edits, branch=branch)
        return self.gate()

    @contextmanager
    def edited(self, edits: Edits) -> Iterator[None]:
        """Write something else in files, for a while."""
        before = {path: (self.root / path).read_text() for path in edits}
        self.edit(edits)
        yield
        write_tree(self.root, before)

    def gate(self, *args: str) -> Judged:
        """What the gate says of the branch."""
        done = self.call(self.root, "gate", *args, "--json")
        assert done.code in (0, 1, 2), done.said
        return Judged(done.code, done.json)

    def table(self, path: str) -> dict[str, list[str]]:
        """The columns of a table, as texts."""
        with (self.root / path).open() as file:
            rows = list(csv.DictReader(file))
        return {name: [row[name] for row in rows] for name in rows[0]}

    def metrics(self, path: str = "reports/metrics.json") -> Any:
        """What the stages wrote of metrics."""
        return json.loads((self.root / path).read_text())

    def unheard(self, declarations: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """What the gate says where the branch as it is also declared something else, and either that changed what the rules say
        or the words that it is named by are not in it."""
        rules = self.gate().document["rules"]
        found = {}
        for told, (old, new) in declarations.items():
            with self.edited({"mlgit.yaml": (old, new)}):
                judged = self.gate()
            if judged.document["rules"] != rules or told not in judged.said:
                found[told] = judged.said
        return found

    def unrefused(self, edits: Mapping[str, Edits]) -> dict[str, tuple[str, str]]:
        """Verdict and words of the gate where files of the branch as it is were also written otherwise, and either it passes or
        the words that this is named by are not in it."""
        found = {}
        for told, each in edits.items():
            with self.edited(each):
                self.do("run")
                judged = self.gate()
            if judged.code == 0 or told not in judged.said:
                found[told] = judged.verdict, judged.said
        return found

    def report(self) -> Any:
        """The report that CI makes of the branch."""
        done = self.call(self.root, "ci", "run")
        assert done.code in (0, 1, 2), done.said
        found = json.loads((self.root / "mlgit-report/report.json").read_text())
        shutil.rmtree(self.root / "mlgit-report")
        return found

    def merged(self, edits: Edits, *, branch: str) -> None:
        """A change that was let into main."""
        self.change(edits, branch=branch)
        git(self.root, "switch", "--quiet", "main")
        git(self.root, "merge", "--quiet", branch)
        self.do("run")

    def release(self, model: str, version: str) -> Completed:
        """Register what main has, and try to promote it to production."""
        self.do("model", "register", model, "--version", version)
        return self.call(self.root, "model", "promote", f"{model}@{version}", "prod")

    def card(self, model: str) -> dict[str, float]:
        """Build the card; the metrics that its table of them shows, to six digits."""
        self.call(self.root, "card", "build", model)  # which people's notes it lacks is no matter here
        after = (self.root / f"cards/{model}.md").read_text().split("| metric | value |")[1]
        rows = [line.replace("\\", "").split(" | ") for line in after.split("\n\n")[0].splitlines()[2:]]
        return {name.removeprefix("| "): float(value) for name, value, *_ in rows}


def begun(root: Path, call: Call, files: Mapping[str, str]) -> Project:
    """What somebody has (all files but mlgit.yaml), into which mlgit is brought; run, and committed."""
    own = {path: text for path, text in files.items() if path != "mlgit.yaml"}
    write_tree(root, own)
    git(root, "init", "--quiet", "--initial-branch", "main")
    commit(root, "Have a pipeline")
    project = Project(root, call)
    project.do("init")
    write_tree(root, {"mlgit.yaml": files["mlgit.yaml"]})
    project.do("run")
    commit(root, "Bring in mlgit")
    return project


def prepared(shared: Path, folder: Path, call: Call, files: Mapping[str, str], *, name: str) -> Project:
    """A copy of a project that the first to need it has begun."""
    kept = once(shared, f"project {name}", lambda at: begun(at / "project", call, files))
    return Project(copied(kept / "project", folder / "project"), call)


def values_everywhere(project: Project, model: str) -> dict[str, dict[str, float]]:
    """The metrics of a model now, as each of the places shows them."""
    judged = project.gate()
    comparisons = project.do("diff", "--format", "json").json["comparisons"]
    suggested = project.do("gate", "suggest", "--json").json["models"][model]
    return {
        "gate": judged.values,
        "diff": {each["metric"]: each["current"] for each in comparisons},
        "report": {each["metric"]: each["current"] for each in project.report()["metrics"]},
        "suggest": {each["metric"]: judged.values[each["metric"]] for each in suggested},
    }
