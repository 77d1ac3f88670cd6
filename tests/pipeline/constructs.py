"""Every construct that DVC accepts in a pipeline file, with an example of each and the way its stages take in mlgit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit import repository, write_tree

LEAN = ""  # mlgit runs such a stage by itself
IMPORT = "an import"
CHECKPOINT = "an output that is a checkpoint"
OLD = "content recorded by DVC 2 or a cloud version"
OLD_LOCK = "a lock entry of DVC 2 or with a cloud version"
FOREIGN = "is not a path in the project"
OUTSIDE = "lies outside the project"
PATTERN = "a parameter name with a pattern"

Call = Callable[..., object]  # runs dvc in a folder: call(folder, "add", "x")


@dataclass(frozen=True)
class Construct:
    """One construct: its name, an example (`{away}` in it is a folder outside the project), and what is to happen.

    `ways` has the way of each stage by address: LEAN, or why it goes through DVC's own objects. `prepare` makes the project
    ready with DVC (for data that is tracked or imported). `runs_always` is for stages that are never up to date.
    """

    name: str
    text: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=lambda: {"s": LEAN})
    prepare: Callable[[Path, Path, Call], None] | None = None
    runs_always: bool = False


def _stage(body: str, name: str = "s") -> str:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return f"stages:\n  {name}:\n{lines}"


def _add(root: Path, away: Path, call: Call) -> None:
    write_tree(root, {"data.txt": "data\n", "folder/a": "1\n", "folder/b/c": "2\n"})
    call(root, "add", "data.txt", "folder")


def _import(root: Path, away: Path, call: Call) -> None:
    source = away / "source"
    if not source.exists():
        repository(source, {"given.txt": "given\n"})
    call(root, "import", str(source), "given.txt")


def _import_url(root: Path, away: Path, call: Call) -> None:
    call(root, "import-url", str(away / "there.txt"), "got.txt")


def _import_part(root: Path, away: Path, call: Call) -> None:
    call(root, "import-url", "--no-download", str(away / "there.txt"), "got.txt")


def _remotes(root: Path, away: Path, call: Call) -> None:
    call(root, "remote", "add", "--default", "store", str(away / "store"))
    call(root, "remote", "add", "other", str(away / "other"))


def _cloud(root: Path, away: Path, call: Call) -> None:
    write_tree(root, {"data.txt": "data\n"})
    call(root, "add", "data.txt")
    path = root / "data.txt.dvc"
    path.write_text(f"{path.read_text()}  cloud:\n    store:\n      etag: abc\n      version_id: v1\n")


def _old(root: Path, away: Path, call: Call) -> None:
    write_tree(root, {"data.txt": "data\n", ".gitignore": "/data.txt\n"})
    (root / "data.txt.dvc").write_text("outs:\n- md5: 6137cde4893c59f76f005a8123d8e8e6\n  size: 5\n  path: data.txt\n")
    call(root, "commit", "--force", "data.txt.dvc")


def _old_lock(root: Path, away: Path, call: Call) -> None:
    call(root, "repro", "--quiet")
    path = root / "dvc.lock"
    path.write_text(path.read_text().replace("      hash: md5\n", ""))


def _cloud_lock(root: Path, away: Path, call: Call) -> None:
    call(root, "repro", "--quiet")
    path = root / "dvc.lock"
    path.write_text(f"{path.read_text()}      cloud:\n        store:\n          etag: abc\n          version_id: v1\n")


_COPY = "cmd: cp in.txt out.txt\ndeps: [in.txt]\nouts: [out.txt]"

CONSTRUCTS = (
    Construct("plain stage", _stage(_COPY)),
    Construct("list of commands", _stage("cmd: [echo a > a.txt, cp a.txt b.txt]\nouts: [a.txt, b.txt]")),
    Construct("lines of commands", _stage("cmd: |\n  echo a > a.txt\n  cp a.txt b.txt\nouts: [a.txt, b.txt]")),
    Construct("folded command", _stage("cmd: >-\n  cp\n  in.txt\n  out.txt\ndeps: [in.txt]\nouts: [out.txt]")),
    Construct("no dependencies", _stage("cmd: echo 1 > out.txt\nouts: [out.txt]")),
    Construct("no outputs", _stage("cmd: cat in.txt\ndeps: [in.txt]")),
    Construct("callback stage (neither)", _stage("cmd: 'true'"), ways={"s": LEAN}, runs_always=True),
    Construct("folder output", _stage("cmd: mkdir -p d/e && cp in.txt d/e/x\ndeps: [in.txt]\nouts: [d]")),
    Construct(
        "file of a folder output",
        "stages:\n  a: {cmd: mkdir d && cp in.txt d/x, deps: [in.txt], outs: [d]}\n"
        "  b: {cmd: cp d/x b.txt, deps: [d/x], outs: [b.txt]}\n",
        ways={"a": LEAN, "b": LEAN},
    ),
    Construct(
        "`wdir`",
        _stage("wdir: sub\ncmd: cp ../in.txt out.txt\ndeps: [../in.txt]\nouts: [out.txt]"),
        {"sub/x": ""},
    ),
    Construct(
        "`dvc.yaml` in subfolders",
        _stage(_COPY),
        {"sub/dvc.yaml": _stage("cmd: cp ../out.txt mine.txt\ndeps: [../out.txt]\nouts: [mine.txt]")},
        {"s": LEAN, "sub/dvc.yaml:s": LEAN},
    ),
    Construct("`desc`", _stage(f"desc: says what it is for\n{_COPY}")),
    Construct("`meta`", _stage(f"meta: {{owner: ada, mlgit: {{retries: 1}}}}\n{_COPY}")),
    Construct("`frozen`", _stage(f"frozen: true\n{_COPY}"), {"out.txt": "as it is\n", ".gitignore": "/out.txt\n"}),
    Construct("`always_changed`", _stage(f"always_changed: true\n{_COPY}"), ways={"s": LEAN}, runs_always=True),
    Construct("`cache: false`", _stage("cmd: cp in.txt o\ndeps: [in.txt]\nouts: [{o: {cache: false}}]")),
    Construct("`persist`", _stage("cmd: cat in.txt >> o\ndeps: [in.txt]\nouts: [{o: {persist: true}}]")),
    Construct("`push: false`", _stage("cmd: cp in.txt o\ndeps: [in.txt]\nouts: [{o: {push: false}}]")),
    Construct(
        "`remote:` of an output",
        _stage("cmd: cp in.txt o\ndeps: [in.txt]\nouts: [{o: {remote: other}}]"),
        ways={"s": LEAN},
        prepare=_remotes,
    ),
    Construct(
        "`desc`, `type`, `labels`, `meta` of an output",
        _stage("cmd: cp in.txt o\ndeps: [in.txt]\nouts: [{o: {desc: d, type: model, labels: [a], meta: {k: 1}}}]"),
    ),
    Construct("params: keys", _stage("cmd: 'true'\nparams: [depth, group.rate]")),
    Construct("params: a whole file", _stage("cmd: 'true'\nparams: [{params.yaml: }]")),
    Construct("params: a group", _stage("cmd: 'true'\nparams: [group]")),
    Construct("params: JSON", _stage("cmd: 'true'\nparams: [{p.json: [a.b]}]"), {"p.json": '{"a": {"b": [1, 2.5]}}'}),
    Construct("params: TOML", _stage("cmd: 'true'\nparams: [{p.toml: [a.b]}]"), {"p.toml": "[a]\nb = 1e-3\n"}),
    Construct("params: Python", _stage("cmd: 'true'\nparams: [{p.py: [A, B.c]}]"), {"p.py": "A = 1\nclass B:\n    c = 'x'\n"}),
    Construct("params: a pattern", _stage("cmd: 'true'\nparams: ['group.ra*']"), ways={"s": PATTERN}),
    Construct("params: an item of a list", _stage("cmd: 'true'\nparams: [rows.0]")),
    Construct("`${}` from params.yaml", _stage("cmd: echo ${depth} ${group.rate} > out.txt\nouts: [out.txt]")),
    Construct("`${}` of a mapping", _stage("cmd: echo ${group} > out.txt\nouts: [out.txt]")),
    Construct("`vars`: values", "vars: [{n: 3, m: {k: v}}]\n" + _stage("cmd: echo ${n}${m.k} > out.txt\nouts: [out.txt]")),
    Construct(
        "`vars`: files",
        "vars: [more.yaml, other.json:b]\n" + _stage("cmd: echo ${a} ${b} > out.txt\nouts: [out.txt]"),
        {"more.yaml": "a: 1\n", "other.json": '{"b": 2, "c": 3}'},
    ),
    Construct("`vars` of a stage", _stage("vars: [{n: 5}]\ncmd: echo ${n} > out.txt\nouts: [out.txt]")),
    Construct(
        "`foreach` over a list",
        "stages:\n  s:\n    foreach: [a, 2, 0.5]\n    do: {cmd: 'echo ${item} > ${item}.txt', outs: ['${item}.txt']}\n",
        ways={"s@a": LEAN, "s@2": LEAN, "s@0.5": LEAN},
    ),
    Construct(
        "`foreach` over mappings",
        "stages:\n  s:\n    foreach: [{k: 1}, {k: 2}]\n    do: {cmd: 'echo 1 > ${item.k}.txt', outs: ['${item.k}.txt']}\n",
        ways={"s@0": LEAN, "s@1": LEAN},
    ),
    Construct(
        "`foreach` over a dictionary",
        "stages:\n  s:\n    foreach: {x: {n: 1}, y: {n: 2}}\n    do: {cmd: 'echo ${item.n} > ${key}', outs: ['${key}']}\n",
        ways={"s@x": LEAN, "s@y": LEAN},
    ),
    Construct(
        "`foreach` over a parameter",
        "stages:\n  s:\n    foreach: ${rows}\n    do: {cmd: 'echo ${item} > ${item}.txt', outs: ['${item}.txt']}\n",
        ways={"s@u": LEAN, "s@v": LEAN},
    ),
    Construct(
        "`matrix`",
        "stages:\n  s:\n    matrix: {m: [a, b], n: '${rows}'}\n    cmd: echo ${item.m} > ${key}\n    outs: ['${key}']\n",
        ways={f"s@{m}-{n}": LEAN for m in "ab" for n in "uv"},
    ),
    Construct(
        "metrics of a stage",
        _stage("cmd: echo '{\"k\":1}' > m.json && cp m.json n.json\nmetrics: [m.json, {n.json: {cache: false}}]"),
    ),
    Construct(
        "plots of a stage",
        _stage("cmd: echo a > p.csv && cp p.csv q.csv\nplots: [p.csv, {q.csv: {x: a, cache: false}}]"),
    ),
    Construct("plots with several settings", _stage("cmd: echo a > p.csv\nplots: [{p.csv: {x: a, y: a, title: t}}]")),
    Construct("`metrics:` of the file", f"metrics: [m.json]\n{_stage(_COPY)}", {"m.json": '{"a": 1}'}),
    Construct(
        "`plots:` of the file",
        f"plots: [p.csv, {{n: {{x: {{p.csv: a}}, y: {{p.csv: b}}}}}}]\n{_stage(_COPY)}",
        {"p.csv": "a,b\n1,2\n"},
    ),
    Construct("`params:` of the file", f"params: [more.yaml]\n{_stage(_COPY)}", {"more.yaml": "a: 1\n"}),
    Construct("`artifacts:`", f"artifacts: {{m: {{path: out.txt, type: model, labels: [a]}}}}\n{_stage(_COPY)}"),
    Construct("`datasets:`", f"datasets: [{{name: d, type: url, url: 's3://b/p'}}]\n{_stage(_COPY)}"),
    Construct(
        "`.dvc` files of `dvc add`",
        _stage("cmd: cat data.txt folder/b/c > out.txt\ndeps: [data.txt, folder]\nouts: [out.txt]"),
        ways={"s": LEAN, "data.txt.dvc": LEAN, "folder.dvc": LEAN},
        prepare=_add,
    ),
    Construct("`.dvc` file of DVC 2", "", ways={"data.txt.dvc": OLD}, prepare=_old),
    Construct("`.dvc` file with cloud versions", "", ways={"data.txt.dvc": OLD}, prepare=_cloud),
    Construct(
        "`dvc import`",
        _stage("cmd: cp given.txt out.txt\ndeps: [given.txt]\nouts: [out.txt]"),
        ways={"s": LEAN, "given.txt.dvc": IMPORT},
        prepare=_import,
    ),
    Construct(
        "`dvc import-url`",
        _stage("cmd: cp got.txt out.txt\ndeps: [got.txt]\nouts: [out.txt]"),
        ways={"s": LEAN, "got.txt.dvc": IMPORT},
        prepare=_import_url,
    ),
    Construct("`dvc import-url --no-download`", "", ways={"got.txt.dvc": IMPORT}, prepare=_import_part),
    Construct(
        "dependency outside the project",
        _stage("cmd: cp {away}/there.txt o\ndeps: ['{away}/there.txt']\nouts: [o]"),
        ways={"s": FOREIGN},
    ),
    Construct(
        "dependency above the project",
        _stage("cmd: cp ../there.txt out.txt\ndeps: [../there.txt]\nouts: [out.txt]"),
        ways={"s": OUTSIDE},
    ),
    Construct(
        "folder output beside a dependency above the project",
        _stage("cmd: mkdir -p d/e && cp ../there.txt d/e/x\ndeps: [../there.txt]\nouts: [d]"),
        ways={"s": OUTSIDE},
    ),
    Construct(
        "folder output beside an absolute dependency",
        _stage("cmd: mkdir -p d && cp {away}/there.txt d/x\ndeps: ['{away}/there.txt']\nouts: [d]"),
        ways={"s": FOREIGN},
    ),
    Construct(
        "output outside the project",
        _stage("cmd: cp in.txt {away}/made.txt\ndeps: [in.txt]\nouts: [{'{away}/made.txt': {cache: false}}]"),
        ways={"s": FOREIGN},
    ),
    Construct(
        "`checkpoint` of old files",
        _stage("cmd: cp in.txt o\ndeps: [in.txt]\nouts: [{o: {checkpoint: true}}]"),
        ways={"s": CHECKPOINT},
    ),
    Construct(
        "comments, anchors and merge keys",
        "stages:\n  a: &a {cmd: echo 1 > a.txt, outs: [a.txt]} # said\n"
        "  b:\n    <<: *a\n    cmd: echo 2 > b.txt\n    outs: [b.txt]\n",
        ways={"a": LEAN, "b": LEAN},
    ),
    Construct("`dvc.lock` with cloud versions", _stage(_COPY), ways={"s": OLD_LOCK}, prepare=_cloud_lock),
    Construct("`dvc.lock` of DVC 2", _stage(_COPY), ways={"s": OLD_LOCK}, prepare=_old_lock),
    Construct(
        "`dvc.lock` of DVC 2 with folders",
        _stage("cmd: mkdir -p d && cp in/* in.txt d\ndeps: [in, in.txt]\nouts: [d]"),
        {"in/a": "1\n", "in/b": "2\n"},
        ways={"s": OLD_LOCK},
        prepare=_old_lock,
    ),
)
