"""Random pipelines that do real work: every construct of dvc.yaml that runs locally, with awkward names and values."""

from __future__ import annotations

import json
import random
import shlex
from dataclasses import dataclass, field

import yaml

VALUES = [
    3, 0, -7, 10**12, 0.1, 1e-5, 2.5e20, -0.0, True, False, None, "text", "with space", "on", "yes", "null", "012", "1e5",
    "0x1f",
    "a: b", "#c", "it's", 'say "x"', "é", "日本", "", " lead", "trail ", "x" * 100, "words " * 20, [1, 2, 3], ["a", None, 2.5],
    [[1], [2, [3]]], {"a": 1, "b": {"c": [1, {"d": 2}]}}, [], {}, "line\nbreak", "2020-01-01x", "~", "-", "- a", "{x}", "[y]",
    "!tag", "&anchor", "*alias", "%x", "@x", "`x`", "a,b", "a #b", "C:\\x", "\ttab",
]  # fmt: skip
NAMES = [
    "out",
    "data",
    "model",
    "res.csv",
    "a b",
    "1",
    "2.5",
    "x-y",
    "true",
    "_z",
    "é",
    "k'v",
    "p#q",
    "m[1]",
    "n!",
    "w+v",
    "u,v",
]


@dataclass
class Made:
    """A generated project: files to write, and what a test may change in it."""

    files: dict[str, str] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    params: dict[str, object] = field(default_factory=dict)
    outs: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)  # paths to be tracked by `dvc add`
    stages: list[str] = field(default_factory=list)  # addresses of the plain stages


class Generator:
    """Builds one project from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.made = Made()
        self.available: list[str] = []  # paths from the root that later stages may read
        self.metrics: list[str] = []
        self.links = False
        self.number = 0

    def build(self) -> Made:
        rng = self.rng
        for index in range(rng.randint(1, 3)):
            path = f"{rng.choice(['raw', 'in put', 'src'])}{index}.txt"
            self.made.files[path] = f"content {rng.random()}\n" * rng.randint(0, 3)
            self.made.inputs.append(path)
            self.available.append(path)
        self._data()
        self._parameter_files()
        self._settings()
        self._pipeline("", rng.randint(1, 5))
        if rng.random() < 0.4:
            self._pipeline(rng.choice(["sub", "deep/er", "with space"]), rng.randint(1, 3))
            if rng.random() < 0.5:
                self._pipeline("zz", rng.randint(1, 2))  # reads what both pipelines before it make
        return self.made

    def _data(self) -> None:
        """Files and folders that `dvc add` tracks."""
        rng = self.rng
        if rng.random() < 0.3:
            self.made.files["tracked/some é.bin"] = f"tracked {rng.random()}\n"
            self.made.data.append("tracked/some é.bin")
        if rng.random() < 0.3:
            self.made.files |= {f"images/{name}": f"{rng.random()}" for name in ("a.png", "b b.png", "in/c.png")}
            self.made.data.append("images")
        self.available += self.made.data

    def _settings(self) -> None:
        """DVC's configuration, and ignore files that lie there before the first run."""
        rng = self.rng
        if rng.random() < 0.4:
            # No executable outputs with links: the bit would be set in the cache, for everything of that content.
            self.links = True
            types = rng.choice(["hardlink", "symlink", "copy", "hardlink,symlink", "reflink,copy"])
            self.made.files[".dvc/config"] = f"[cache]\n    type = {types}\n"
        if rng.random() < 0.3:
            self.made.files[".dvcignore"] = rng.choice(["*.tmp\n", "# only this\n\n*.tmp\nnever/\n", "tmp*\n!tmp-kept\n"])
        if rng.random() < 0.3:
            self.made.files[".gitignore"] = rng.choice(
                ["data*/\n", "*.csv", "/out*\n!/out1*\n", "# comment\r\n/x\r\n", "\n\n*.csv\n"]
            )

    def _parameter_files(self) -> None:
        rng = self.rng
        values = {f"p{index}": rng.choice(VALUES) for index in range(rng.randint(2, 6))}
        values["group"] = {"depth": rng.randint(1, 9), "name": rng.choice(["n", "m"]), "list": [1, 2]}
        values["items"] = rng.sample(["a", "b", 1, 2.5, True], rng.randint(1, 3))
        values["flag"] = True
        self.made.params = values
        self.made.files["params.yaml"] = yaml.safe_dump(values, allow_unicode=True, sort_keys=False)
        plain = [value for value in VALUES if value is not None]
        self.made.files["more.json"] = json.dumps({"j1": rng.choice(VALUES), "nest": {"j2": rng.choice(VALUES)}})
        self.made.files["conf.toml"] = f"t1 = {rng.randint(1, 9)}\n[sect]\nt2 = 'v'\nt3 = [1, 2]\nt4 = 1.5\n"
        self.made.files["conf.py"] = (
            f"LR = 0.5\nNAME = 'n'\nSEQ = (1, 2)\nLIST = {[rng.choice(plain) for _ in range(2)]!r}\n\n"
            "class Train:\n    depth: int = 3\n"
        )

    def _pipeline(self, folder: str, count: int) -> None:
        stages: dict[str, object] = {}
        document: dict[str, object] = {}
        if self.rng.random() < 0.3:
            document["vars"] = [{"inline": {"word": "w" + str(self.rng.randint(0, 9))}}]
            if self.rng.random() < 0.5:
                document["vars"].append("variables.yaml" if self.rng.random() < 0.5 else "variables.yaml:colors")  # type: ignore[attr-defined]
                beside = f"{folder}/variables.yaml" if folder else "variables.yaml"
                self.made.files[beside] = "colors: {red: '#f00', list: [1, 2]}\nother: 3\n"
        for _ in range(count):
            name, body = self._stage(folder, has_vars="vars" in document)
            stages[name] = body
        document["stages"] = stages
        if self.rng.random() < 0.2:
            document["params"] = ["more.json"] if not folder else []
            document["metrics"] = self.metrics[:1]
            document["plots"] = [{"curve": {"x": "a", "y": dict.fromkeys(self.metrics[:1], "b")}}]
        path = f"{folder}/dvc.yaml" if folder else "dvc.yaml"
        self.made.files[path] = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1000)

    def _stage(self, folder: str, *, has_vars: bool) -> tuple[str, dict[str, object]]:
        rng = self.rng
        self.number += 1
        name = f"{rng.choice(['prep', 'train', 'eval', 's-t', 'x_y'])}{self.number}"
        wdir = folder
        body: dict[str, object] = {}
        if rng.random() < 0.2:
            wdir = f"{folder}/work" if folder else "work"
            self.made.files.setdefault(f"{wdir}/.keep", "")
            body["wdir"] = "work"
        up = "../" * (wdir.count("/") + 1 if wdir else 0)
        kind = rng.choice(["plain", "plain", "plain", "foreach", "foreach-dict", "foreach-param", "matrix"])
        if folder and kind == "foreach-param":
            kind = "foreach"
        deps = [f"{up}{path}" for path in rng.sample(self.available, rng.randint(0, min(3, len(self.available))))]
        if deps and rng.random() < 0.15:
            deps = [f"./{deps[0]}", *deps[1:]] if not deps[0].startswith(".") else deps
        suffix = {
            "plain": "",
            "foreach": "${item}",
            "foreach-dict": "${key}",
            "foreach-param": "${item}",
            "matrix": "${item.m}-${item.n}",
        }[kind]
        if kind == "plain":
            self.made.stages.append(f"{folder}/dvc.yaml:{name}" if folder else name)
        outs, commands = self._outputs(deps, suffix, wdir, kind)
        params = self._params(up, commands)
        if not folder and rng.random() < 0.3:
            commands.append("echo ${group.depth} ${group.name} > /dev/null")
        if has_vars and rng.random() < 0.5:
            commands.append("echo ${inline.word} > /dev/null")
        if rng.random() < 0.15:
            commands.append("echo " + "long " * 30 + "> /dev/null")
        body.update(self._command(commands))
        if deps:
            body["deps"] = deps
        if params:
            body["params"] = params
        body.update(outs)
        if rng.random() < 0.1:
            body["desc"] = "what it does"
        if rng.random() < 0.1:
            body["meta"] = {"owner": "me"}
        if rng.random() < 0.05:
            body["always_changed"] = True
        return name, self._repeated(kind, body)

    def _command(self, commands: list[str]) -> dict[str, object]:
        roll = self.rng.random()
        if roll < 0.4:
            return {"cmd": " && ".join(commands)}
        if roll < 0.7:
            return {"cmd": commands}
        return {"cmd": "\n".join(commands)}

    def _repeated(self, kind: str, body: dict[str, object]) -> dict[str, object]:
        rng = self.rng
        if kind == "foreach":
            return {"foreach": rng.sample(["u", "v", 1, 2], rng.randint(1, 3)), "do": body}
        if kind == "foreach-dict":
            return {"foreach": {"ka": {"x": 1}, "kb": {"x": 2}}, "do": body}
        if kind == "foreach-param":
            return {"foreach": "${items}", "do": body}
        if kind == "matrix":
            return {"matrix": {"m": ["q", "r"][: rng.randint(1, 2)], "n": [1, 2][: rng.randint(1, 2)]}, **body}
        return body

    def _outputs(self, deps: list[str], suffix: str, wdir: str, kind: str) -> tuple[dict[str, object], list[str]]:
        rng = self.rng
        found: dict[str, list[object]] = {}
        commands = []
        sources = " ".join(shlex.quote(dep) for dep in deps)
        # A folder among the dependencies is read through find, so that every dependency matters.
        read = f"find {sources} -type f | LC_ALL=C sort | xargs -d '\\n' cat" if deps else "echo start"
        for index in range(rng.randint(1, 2)):
            name = f"{rng.choice(NAMES)}{self.number}{index}{suffix}"
            if rng.random() < 0.15:
                name = f"{rng.choice(['models', 'deep/dir é'])}/{name}"
                commands.append(f"mkdir -p {shlex.quote(name.rpartition('/')[0])}")
            folder = rng.random() < 0.3
            key = rng.choice(["outs", "outs", "metrics", "plots"]) if not folder else "outs"
            quoted = f'"{name}"' if suffix else shlex.quote(name)
            if folder:
                commands.append(f"mkdir -p {quoted}/in && {read} > {quoted}/one && echo {index} > {quoted}/in/two")
                if rng.random() < 0.3:
                    commands.append(f"echo t > {quoted}/x.tmp && echo t > {quoted}/in/tmp-kept")
            else:
                commands.append(
                    f"{read} > {quoted}" + (f" && chmod +x {quoted}" if not self.links and rng.random() < 0.1 else "")
                )
            if key == "metrics" and not folder:
                commands.append(f"echo '{{\"m\": 1}}' > {quoted}")
            flags: dict[str, object] = {}
            # dvc restores an output that Git tracks as a link, read-only: mlgit does not.
            if rng.random() < 0.2 and not (self.links and key == "outs"):
                flags["cache"] = False
            if rng.random() < 0.1:
                flags["persist"] = True
            if key == "plots" and rng.random() < 0.3:
                flags["x"] = "a"
            found.setdefault(key, []).append({name: flags} if flags else name)
            if kind == "plain":
                path = f"{wdir}/{name}" if wdir else name
                self.available.append(f"{path}/one" if folder and rng.random() < 0.3 else path)
                self.made.outs.append(path)
                self.metrics += [name] if key == "metrics" else []
        return dict(found), commands

    def _params(self, up: str, commands: list[str]) -> list[object]:
        rng = self.rng
        found: list[object] = []
        if not up and rng.random() < 0.6:
            known = [key for key in self.made.params if key not in ("items", "flag", "group")]
            found += rng.sample(known, rng.randint(1, min(2, len(known))))
            if rng.random() < 0.4:
                found += ["group.depth", "group.list"][: rng.randint(1, 2)]
        if rng.random() < 0.15:
            self.made.files["settings/deep.yaml"] = "model: {depth: 3, name: é}\nrate: 1e-3\n"
            found.append({f"{up}settings/deep.yaml": ["model.depth", "rate"]})
        if rng.random() < 0.25:
            found.append({f"{up}more.json": ["j1", "nest.j2"]})
        if rng.random() < 0.2:
            found.append({f"{up}conf.toml": ["t1", "sect.t3", "sect"]})
        if rng.random() < 0.2:
            found.append({f"{up}conf.py": ["LR", "SEQ", "LIST", "Train.depth", "Train"]})
        if rng.random() < 0.1:
            found.append({f"{up}params.yaml": None} if not up else {f"{up}conf.toml": None})
            if up:
                found = [
                    each
                    for each in found
                    if not (isinstance(each, dict) and any(name.endswith("toml") and keys for name, keys in each.items()))
                ]
        if found and rng.random() < 0.5:
            commands.append("echo params > /dev/null")
        return found


def generate(seed: int) -> Made:
    """The project of this seed."""
    return Generator(seed).build()
