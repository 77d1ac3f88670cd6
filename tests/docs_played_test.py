"""Every command in the console blocks of docs/, and of README beyond its tour, typed in a repository where it has a meaning.

What a page shows below a command is what the command prints. What cannot be typed here stands in NOT_PLAYED, with the reason.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlgit.commands.template_check import check_template
from tests.cli.adoption_test import LAYOUTS
from tests.kit import FULL, commit, example, git, repository, write_tree
from tests.kit.console import Shell, Typed, is_shown, typed
from tests.kit.forked import mlgit
from tests.kit.once import copied, once
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN
from tests.monitoring import shop
from tests.registry.worlds import World, world

pytestmark = pytest.mark.slow  # whole sessions

CHECKOUT = Path(__file__).parents[1]
_BUCKET = "needs a bucket of S3; tests/cli/remote_test.py and push_test.py play it with servers of this machine"
_CLUSTER = "needs a cluster and a shared remote; tests/executors plays it with workers of this machine"
NOT_PLAYED = {
    "mlgit remote add store s3://team-models/churn": _BUCKET,
    "dvc remote modify --local store profile research": _BUCKET,
    "mlgit push": _BUCKET,
    "mlgit run --pull": _BUCKET,
    "mlgit remote add store s3://bucket/project": _BUCKET,
    "mlgit run --executor dask": _CLUSTER,
    "mlgit run --executor dask --scheduler tcp://10.0.0.5:8786": _CLUSTER,
    'mlgit ci publish --from-job "pipeline and gates" --forge gitlab --repository team/models': (
        "needs a GitLab; tests/scaffold/gitlab_ci_played_test.py plays it with a server of this machine"
    ),
    "pip install 'mlgit[dask]'": "the tests run in an environment that has it",
    'curl --request POST --header "PRIVATE-TOKEN: $TOKEN" "https://gitlab.example.com/api/v4/projects/5/protected_tags" \\': (
        "needs a project of GitLab"
    ),
}
_EXCHANGED = "needs what other tools left; tests/commands/exp_import_test.py and exp_export_test.py play it"
_SOURCES = ("mlruns/", "sqlite:///mlflow.db", "https://mlflow.example.com", "dvclive/ ../old-project")
NOT_PLAYED |= dict.fromkeys([f"mlgit exp import {each}" for each in _SOURCES], _EXCHANGED)
NOT_PLAYED |= {"mlgit exp export http://127.0.0.1:5000": _EXCHANGED}
_SERVED = "needs a server and requests; tests/serving/from_request_to_audit_test.py plays it"
NOT_PLAYED |= dict.fromkeys(
    (
        "pip install 'mlgit[serve]'",
        "mlgit serve tumor",
        "mlgit monitor compare tumor",
        "mlgit log tail tumor",
        "mlgit log show 01a227f9-1fb8-7d79-8d30-40d686f6634c",
        "mlgit log pack logs/tumor -o data/answers.parquet",
        "mlgit model audit --request 01a227f9-1fb8-7d79-8d30-40d686f6634c",
    ),
    _SERVED,
)
GATED = """\
gates:
  rules:
  - {id: floor, kind: bound, metric: auc, min: 0.2}
  - {id: kept, kind: no_worse, metric: auc, margin: 0.5}
environments: [{name: staging}, {name: prod, requires: {gates: pass}}]
"""
Folder = Callable[[Path, Path], Path]  # a new folder, what is shared by all workers -> where to type


def _monorepo(folder: Path, _: Path) -> Path:
    files, _, _ = LAYOUTS["monorepo"]
    git(folder, "init", "--quiet", "--initial-branch", "main")
    write_tree(folder, {**files, "models/fraud/dvc.yaml": "stages: {}\n"})
    commit(folder)
    return folder


def _script(folder: Path, _: Path) -> Path:
    git(folder, "init", "--quiet", "--initial-branch", "main")
    write_tree(folder, LAYOUTS["one script"][0])
    (folder / "metrics.json").unlink()
    commit(folder)
    return folder


def _worse(folder: Path, _: Path) -> Path:
    script = folder / "train.py"
    script.write_text(script.read_text().replace("0.9", "0.5"))
    return folder


def _example(folder: Path, shared: Path) -> Path:
    return copied(once(shared, "example", example.make_and_run) / example.NAME, folder / "tumor")


def _suggesting(folder: Path, shared: Path) -> Path:
    """The tabular template after a small change."""
    root = _example(folder, shared)
    _do(root, "git add --all", "git commit -qm Results", "git switch -qc change", "mlgit run --set train.C=0.1")
    return root


def _from_nothing(folder: Path, _: Path) -> Path:
    return folder


def _made_there(folder: Path, _: Path) -> Path:
    return folder / "tumor"


def _carded(folder: Path, shared: Path) -> Path:
    return _example(folder, shared)


def _prepared(shared: Path, name: str, prepare: Callable[[World], object], folder: Path) -> Path:
    """A copy of a world that the first to need it prepared."""

    def make(at: Path) -> None:
        prepare(world(at))

    kept = once(shared, name, make)
    shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
    git(folder / "ada", "remote", "set-url", "origin", str(folder / "origin.git"))
    return folder / "ada"


def _promoting(made: World) -> None:
    """Two promotions past a gate."""
    made.settle(GATED)
    _do(
        made.root,
        "mlgit model promote churn@v1.0.0 prod",
        "mlgit model promote churn@v1.1.0 prod -m 'Recall on new customers up'",
    )


def _going_back(made: World) -> None:
    """Promotions, a way back, and a version that was withdrawn, all of it pushed, where no environment is declared."""
    made.settle("")
    _do(
        made.root,
        "mlgit model promote churn@v1.0.0 prod --new-environment",
        "mlgit model promote churn@v1.1.0 prod -m 'Recall on new customers up'",
        "mlgit model promote churn@v1.2.0 staging --new-environment",
        "mlgit model rollback churn prod -m 'Scores drift since Monday'",
        "mlgit model retire churn@v1.1.0 -m 'trained on wrong labels'",
        "mlgit push --tags-only",
    )


def _gated(folder: Path, shared: Path) -> Path:
    return _prepared(shared, "two promotions", _promoting, folder)


def _released(folder: Path, shared: Path) -> Path:
    """Versions in prod one after the other, and the model of the first under another name."""
    root = _gated(folder, shared)
    _do(root, "mlgit model promote churn@v1.2.0 prod")
    (root / "model-of-may.json").write_text('{"learner": {"depth": 5}, "version": [2, 0, 0]}')
    return root


def _remembered(folder: Path, shared: Path) -> Path:
    return _prepared(shared, "a way back", _going_back, folder)


def _with_key(folder: Path, _: Path) -> Path:
    """A key that is on nobody's keyring yet."""
    made = world(folder)
    made.settle(GATED)
    home = Path(os.environ["HOME"], ".ssh")
    home.mkdir()
    _do(made.root, f"ssh-keygen -q -t ed25519 -N '' -C ada@example.com -f {home}/id_ed25519")
    return made.root


def _branch(folder: Path, _: Path) -> Path:
    """A change on a branch, and a DVC remote that has what is committed."""
    made = world(folder)
    made.settle(GATED)
    (made.root / ".dvc/config").write_text(f"[core]\n remote = store\n['remote \"store\"']\n url = {folder / 'store'}\n")
    (made.root / "params.yaml").write_text("train: {depth: 8}\n")
    _do(made.root, "git switch -qc change", "mlgit run", "git commit -qam Deeper", f"cp -r .dvc/cache {folder}/store")
    return made.root


def _judged(folder: Path, _: Path) -> Path:
    """A better model on a branch, and a tag before and after it."""
    files = {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % 0.1, "train.py": TRAIN, "params.yaml": "skill: 90\n"}
    root = repository(folder / "churn", files)
    _do(root, "mlgit run", "git add --all", "git commit -qm Start", "git tag v1", "git switch -qc change")
    (root / "params.yaml").write_text("skill: 91\n")
    _do(root, "mlgit run", "git commit -qam Better", "git tag v2")
    return root


def _orders(folder: Path, _: Path) -> Path:
    """2,000 orders without a mistake, and no contract yet."""
    return repository(folder / "shop", {"data/orders.csv": _table({}), "mlgit.yaml": "mlgit: 1\n"})


def _table(mended: dict[tuple[int, int], str]) -> str:
    """The orders as CSV, with other values at some lines and columns."""
    day = datetime.date(2026, 1, 1)
    lines = [["id", "plan", "age", "email", "ordered", "shipped"]]
    for each in range(1, 2001):
        days = [str(day + datetime.timedelta(days=each % 300 + more)) for more in (0, each % 4)]
        lines.append([str(each), ("free", "pro", "team")[each % 3], str(18 + each % 70), f"u{each}@example.com", *days])
    for (line, column), value in mended.items():
        lines[line - 1][column] = value
    return "".join(",".join(line) + "\n" for line in lines)


def _bad_batch(folder: Path, _: Path) -> Path:
    """The contract with what the page adds to it, and orders that break it."""
    contract = folder / "schemas/orders.odcs.yaml"
    text = contract.read_text()
    added = re.search(r"( *- \{type: sql.*\n)", (CHECKOUT / "docs/data.md").read_text())
    assert added
    text = re.sub(r"( *- \{metric: rowCount.*\n)", rf"\1{added[1]}", text)
    text = text.replace("{minimum: 0}", "{minimum: 0, maximum: 120}")
    private = "classification: confidential, logicalTypeOptions: {pattern: '^[^@]+@[^@]+$'}"
    contract.write_text(
        text.replace("email, logicalType: string, required: true", rf"email, logicalType: string, required: true, {private}")
    )
    commit(folder)
    bad = {(8, 0): "7", (300, 0): "7", (101, 2): "999", (102, 2): "-1", (400, 3): "nobody", (500, 5): "2020-01-01"}
    (folder / "data/orders.csv").write_text(_table(bad | {(line, 1): "Team" for line in range(200, 210)}))
    return folder


def _accepted(folder: Path, _: Path) -> Path:
    """A branch on which the contract allows one more plan."""
    git(folder, "switch", "--quiet", "--create", "change")
    contract = folder / "schemas/orders.odcs.yaml"
    contract.write_text(contract.read_text().replace("[free, pro, team]", "[free, pro, team, Team]").replace("1.0.0", "1.0.1"))
    return folder


def _team(folder: Path, _: Path) -> Path:
    """The templates of the page, and no fault in them."""
    page = (CHECKOUT / "docs/templates.md").read_text()
    files = dict(re.findall(r"\*\*(templates/[^*\n]+)\*\*:\n\n```\w+\n(.*?)```", page, re.DOTALL))
    root = repository(folder / "team", files)
    assert [str(each) for each in check_template(str(root / "templates/churn")).faults] == []
    return root


def _behind(folder: Path, _: Path) -> Path:
    """A project in which somebody has worked, and the next version of its template."""
    template = folder / "templates/churn"
    lint = {"type": "multichoice", "doc": "what else?", "choices": {"lint": "rules for ruff"}, "default": []}
    manifest = {
        "mlgit_template": 1,
        "name": "churn",
        "version": "1.0.0",
        "description": "for churn",
        "questions": {"features": lint},
        "files": {"ruff.toml": {"when": "lint"}},
    }
    stage = "stages:\n  prepare:\n    cmd: python src/prepare.py\n"
    texts = {"README.md": "# churn\n\nWho leaves us next month.\n", "ruff.toml": "line-length = 100\n", "dvc.yaml": stage}
    code = "".join(f"column_{each} = {each}\n" for each in range(9))
    files = {**texts, "src/prepare.py": code, "dot_editorconfig": "root = true\n"}
    write_tree(template, {"template.yaml": json.dumps(manifest), **{f"files/{path}": text for path, text in files.items()}})
    _do(folder, "mlgit new churn -t ./templates/churn")
    root = folder / "churn"
    _do(root, "git mv src/prepare.py src/clean.py", "git rm -q .editorconfig")
    (root / "README.md").write_text(texts["README.md"] + "\nAsk Ada about the data.\n")
    commit(root, "Work")
    newer = {**manifest, "version": "1.1.0", "changes": {"1.1.0": "the stage prepare keeps empty rows out"}}
    added = {"src/prepare.py": f"{code}drop_empty = True\n", "tests/test_prepare.py": "", "dot_editorconfig": "root = true\n\n"}
    changed = {**added, "dvc.yaml": f"{stage}    deps: [src/prepare.py]\n"}
    write_tree(template, {"template.yaml": json.dumps(newer), **{f"files/{path}": text for path, text in changed.items()}})
    return root


def _shop(folder: Path, _: Path) -> Path:
    return shop.project(folder / "shop")


def _watched(folder: Path, shared: Path) -> Path:
    """The same, released."""
    root = _shop(folder, shared)
    _do(
        root,
        "mlgit run",
        "git add --all",
        "git commit -qm Train",
        "mlgit model register churn --version v1.0.0",
        "mlgit model promote churn@v1.0.0 prod",
    )
    return root


def _changed(folder: Path, shared: Path) -> Path:
    return shop.change(_watched(folder, shared))


def _learned(folder: Path, shared: Path) -> Path:
    return shop.learn(_changed(folder, shared))


def _same(folder: Path, _: Path) -> Path:
    return folder


_GOES_ON = (_same, _made_there, _worse, _bad_batch, _accepted)  # in the folder of the block before
# The pages, and for each console block of theirs what is there when it is typed; None: see NOT_PLAYED.
PAGES: dict[str, tuple[Folder | None, ...]] = {
    "docs/adopting.md": (_script, _monorepo, _script, _worse),
    "docs/audit.md": (_released,),
    "docs/cards.md": (_carded, _same),
    "docs/ci.md": (_branch,),
    "docs/dask.md": (None,),
    "docs/data.md": (_orders, _bad_batch, _accepted),
    "docs/experiments.md": (_from_nothing, _made_there, _same, None),
    "docs/gitlab.md": (_same, None),
    "docs/monitoring.md": (_watched, _shop, _same, _learned, _changed, _same),
    "docs/registry.md": (_gated, _remembered, _same, _same, _with_key, None),
    "docs/remotes.md": (None, None),
    "docs/review.md": (_judged, _suggesting),
    "docs/serving.md": (None, None, None),
    "docs/templates.md": (_team, _same),
    "docs/updating.md": (_behind, _same, _same),
    "README.md#The registry": (_remembered,),
    "README.md#Monitoring": (_watched,),
}


def _do(root: Path, *lines: str) -> None:
    """Prepare by commands that are not what is tested: mlgit's without the time that its imports take."""
    for words in map(shlex.split, lines):
        if words[0] == "mlgit":
            done = mlgit(root, *words[1:], env=example.environment())
            assert done.code == 0, (words, done.said)
        else:
            subprocess.run(words, cwd=root, env=example.environment(), check=True, capture_output=True)


def _blocks(page: str) -> list[list[Typed]]:
    file, _, section = page.partition("#")
    text = (CHECKOUT / file).read_text()
    text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0] if section else text
    return [typed(block) for block in re.findall(r"```console\n.*?```", text, re.DOTALL)]


def _bare(line: str) -> str:
    return re.sub(r"\s+#\s.*", "", line)


def _play(shell: Shell, steps: list[Typed]) -> list[str]:
    wrong = []
    for step in steps:
        code, printed = shell.type(step.line)
        is_right = is_shown(step.shown or ["..."], printed) and code in (0, 1)
        wrong += [] if is_right else ["\n".join([f"$ {step.line}", f"{printed}[{code}]", "the page shows:", *step.shown])]
    return wrong


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_print_what_it_shows(tmp_path, shared, page):
    folder, where, wrong = tmp_path, tmp_path, []
    for number, (steps, prepare) in enumerate(zip(_blocks(page), PAGES[page], strict=True)):
        if prepare is None:
            assert [step.line for step in steps if _bare(step.line) not in NOT_PLAYED] == []
            continue
        if not FULL and (prepare in (_carded, _suggesting, _from_nothing) or folder.name == "of the example"):
            folder = tmp_path / "of the example"  # trains a real model, more than once
            continue
        if prepare not in _GOES_ON:
            folder = tmp_path / f"block{number}"
            folder.mkdir()
            where = folder
        where = prepare(where, shared)
        wrong += _play(Shell(where, example.environment()), steps)
    assert not wrong, "\n\n".join(wrong)


def test_every_page_with_console_blocks_is_played_and_every_exception_stands_in_one():
    pages = {f"docs/{path.name}": path.read_text() for path in (CHECKOUT / "docs").glob("*.md")}
    assert {page for page, text in pages.items() if "```console" in text} == {page for page in PAGES if "#" not in page}
    lines = {_bare(step.line) for page in PAGES for steps in _blocks(page) for step in steps}
    assert {*NOT_PLAYED} - lines == set()


def test_difference_between_page_and_program_would_be_found(tmp_path):
    assert _play(Shell(tmp_path, example.environment()), [Typed("echo one && false", ("one",))]) == []
    assert len(_play(Shell(tmp_path, example.environment()), [Typed("echo one", ("two",)), Typed("exit 2", ())])) == 2
