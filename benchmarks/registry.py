"""`python -m benchmarks.registry`: what is where, asked of a repository with thousands of tags, beside GTO and bare Git.

The tags are written by `git fast-import` with the texts that mlgit writes, each naming the one before it, over 1000 commits,
and packed as after a clone; a quarter as many tags are none of the registry's. `gto show` takes minutes, so it has one round.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measured, middle, once
from benchmarks.tools import BIN, environment
from mlgit.registry import tag_message
from mlgit.registry.tag_message import Body

COMMITS = 1000
MODELS = 40
START = 1_700_000_000
PERSON = "Ada Example <ada@example.com>"


def make(folder: Path, n_tags: int) -> None:
    """A repository with `n_tags` tags of 40 models, a quarter of them versions, the others assignments."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    _import(folder, _commits(), "--export-marks=marks")
    rows = (line.split() for line in (folder / "marks").read_text(encoding="ascii").splitlines())
    commits = {int(mark[1:]): oid for mark, oid in rows}
    _import(folder, _tags(commits, n_tags))
    subprocess.run(["git", "pack-refs", "--all"], cwd=folder, check=True)
    subprocess.run(["git", "repack", "-adq"], cwd=folder, check=True)


def _import(folder: Path, rows: Iterator[str], *options: str) -> None:
    text = "".join(rows).encode()
    subprocess.run(["git", "fast-import", "--quiet", *options], cwd=folder, input=text, check=True)


def _commits() -> Iterator[str]:
    for mark in range(1, COMMITS + 1):
        yield f"commit refs/heads/main\nmark :{mark}\ncommitter {PERSON} {START + mark} +0000\ndata 1\nx\n"


def _tags(commits: dict[int, str], n_tags: int) -> Iterator[str]:
    previous: dict[str, str] = {}
    for number in range(n_tags):
        place, kind = number // 4 % COMMITS, number % 4
        model, version = f"model{place % MODELS}", f"v1.{number // 4 // MODELS}.0"
        ref = (f"{model}@{version}", f"{model}#dev#{number}", f"{model}#staging#{number}", f"{model}#prod#{number}")[kind]
        facts = {"mlgit": 1, "event": "assign" if kind else "register", "version": version}
        model_file = {"path": "models/model.skops", "md5": hashlib.md5(version.encode()).hexdigest(), "size": 1_843_200}
        metrics = {name: {"value": 0.9143, "n": 20_000, "split": "test"} for name in ("auc", "f1", "recall")}
        facts |= {"model": model_file, "metrics": metrics}
        facts |= {"previous": previous[model]} if model in previous else {}
        text = tag_message.render(Body(f"Event {number} of {model}", "Recall on new customers up, no slice regressed.", facts))
        tagger = f"{PERSON} {START + COMMITS + number} +0000"
        content = f"object {commits[place + 1]}\ntype commit\ntag {ref}\ntagger {tagger}\n\n{text}".encode()
        oid = hashlib.sha1(b"tag %d\0" % len(content) + content).hexdigest()
        previous[model] = f"{ref} {oid}"
        yield f"tag {ref}\nfrom {commits[place + 1]}\ntagger {tagger}\ndata {len(text.encode())}\n{text}\n"
        if not kind:
            yield f"tag release-{number}\nfrom {commits[place + 1]}\ntagger {tagger}\ndata 2\nx\n\n"


def compare(n_tags: int, rounds: int, work: Path) -> list[str]:
    """The table, as lines of Markdown."""
    folder = work / "registry"
    make(folder, n_tags)
    env = environment(work)
    if once([str(BIN / "mlgit"), "model", "verify"], folder=folder, env=env).code:
        raise SystemExit(f"the registry in {folder} is not sound: not a measurement")
    commands = {
        "git for-each-ref, with all texts": ["git", "for-each-ref", "--format=%(refname) %(contents)", "refs/tags"],
        "mlgit model list --json": [str(BIN / "mlgit"), "model", "list", "--json"],
        "mlgit model show model0": [str(BIN / "mlgit"), "model", "show", "model0"],
        "mlgit model verify": [str(BIN / "mlgit"), "model", "verify"],
    }
    runs: dict[str, list[Measured]] = {}
    for _ in range(rounds):
        for name, argv in commands.items():
            runs.setdefault(name, []).append(once(argv, folder=folder, env=env))
    if (BIN / "gto").exists():
        runs["gto show --json"] = [once([str(BIN / "gto"), "show", "--json"], folder=folder, env=env)]
    found = {name: middle(measured) for name, measured in runs.items()}
    own = found["mlgit model list --json"].wall
    rows = [f"| `{name}` | {one.wall:.3f} | {one.cpu:.3f} | {one.wall / own:.1f} |" for name, one in found.items()]
    title = f"{n_tags} tags of {MODELS} models and {n_tags // 4} other tags, packed"
    return ["", f"| {title} | wall s | CPU s | wall / `model list` |", "|---|---:|---:|---:|", *rows]


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("/dev/shm") if os.path.isdir("/dev/shm") else None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlgit-bench-", dir=chosen.work) as folder:
        print("\n".join(compare(chosen.tags, chosen.rounds, Path(folder))))


if __name__ == "__main__":
    main()
