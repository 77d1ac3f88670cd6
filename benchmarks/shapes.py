"""The pipelines that are measured: the same plain graph written in every tool's language.

wide     N stages that read one file
chain    each stage reads what the one before it wrote
diamond  blocks of ten: one, then eight beside each other, then one that needs all eight
matrix   as wide, but one stage with `matrix:` (for tools that have no such thing, N stages)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SHAPES = ("wide", "chain", "diamond", "matrix")


@dataclass(frozen=True)
class Step:
    """A stage: it copies the first file it needs."""

    name: str
    needs: tuple[str, ...]
    makes: str

    @property
    def command(self) -> str:
        return f"cp {self.needs[0]} {self.makes}"


def steps(shape: str, number: int) -> list[Step]:
    """The stages of a shape, dependencies first."""
    return [Step(f"s{index}", _needs(shape, index), f"o{index}.txt") for index in range(number)]


def _needs(shape: str, index: int) -> tuple[str, ...]:
    if shape in ("wide", "matrix") or index == 0:
        return ("in.txt",)
    if shape == "chain":
        return (f"o{index - 1}.txt",)
    place, first = index % 10, index - index % 10
    if place == 0:
        return (f"o{first - 1}.txt",)
    return (f"o{first}.txt",) if place < 9 else tuple(f"o{first + each}.txt" for each in range(1, 9))


def write(folder: Path, shape: str, number: int) -> None:
    """Write the pipeline for all tools into a new folder."""
    folder.mkdir(parents=True)
    plan = steps(shape, number)
    (folder / "in.txt").write_text("hi\n")
    (folder / "dvc.yaml").write_text(_matrix(number) if shape == "matrix" else _stages(plan))
    makes = " ".join(step.makes for step in plan)
    rules = "".join(f"{step.makes}: {' '.join(step.needs)}\n\t@{step.command}\n" for step in plan)
    (folder / "Makefile").write_text(f".PHONY: all\nall: {makes}\n{rules}")
    builds = "".join(f"build {step.makes}: r {' '.join(step.needs)}\n  cmd = {step.command}\n" for step in plan)
    (folder / "build.ninja").write_text(f"rule r\n  command = $cmd\n{builds}")
    snakes = "".join(
        f"rule {s.name}:\n    input: {list(s.needs)!r}\n    output: {s.makes!r}\n    shell: {s.command!r}\n" for s in plan
    )
    (folder / "Snakefile").write_text(f"rule all:\n    input: {[step.makes for step in plan]!r}\n{snakes}")
    (folder / "steps.txt").write_text("".join(f"{s.makes}\t{' '.join(s.needs)}\t{s.command}\n" for s in plan))
    (folder / ".gitignore").write_text("/o*.txt\n/.snakemake\n/.ninja_*\n")


def _stages(plan: list[Step]) -> str:
    rows = ["stages:"]
    for step in plan:
        rows += [f"  {step.name}:", f"    cmd: {step.command}", "    deps:", *(f"    - {need}" for need in step.needs)]
        rows += ["    outs:", f"    - {step.makes}"]
    return "\n".join(rows) + "\n"


def _matrix(number: int) -> str:
    head = ["stages:", "  s:", "    matrix:", "      i:", *(f"      - {index}" for index in range(number))]
    return (
        "\n".join(
            [*head, "    cmd: cp in.txt o${item.i}.txt", "    deps:", "    - in.txt", "    outs:", "    - o${item.i}.txt"]
        )
        + "\n"
    )
