"""Parsed pipeline files -> stages. What a dvc.yaml may hold stands in tables here; templating is resolved before."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlgit.errors import MlgitError
from mlgit.pipeline import lock, reserved, stage_options
from mlgit.pipeline.model import Command, Dependency, Entry, Output, OutputKind, Parameters, Stage
from mlgit.schema import Anything, Boolean, Either, Key, ListOf, MapOf, Schema, Table, Text, check

_HALF = re.compile("[\ud800-\udfff]")
_PLAIN_PATH = re.compile(r"[^/.][^/]*(?:/[^/.][^/]*)*", re.DOTALL)
_TEXT = Text()
_ANY = Anything()
# What a file may hold is checked before templating, as in DVC: `${...}` is a text and no truth value, whatever it stands for.
_FLAGS = (
    Key("cache", Boolean(), "whether DVC keeps the content"),
    Key("persist", Boolean(), "whether the output stays while the command runs"),
    Key("checkpoint", Boolean(), "a flag of older versions of DVC, without a meaning"),
    Key("remote", _TEXT, "the remote for this output"),
    Key("push", Boolean(), "whether the output is pushed"),
    Key("desc", _TEXT, "a description"),
    Key("type", _TEXT, "what it is: model, dataset, ..."),
    Key("labels", ListOf(_TEXT), "labels to find it by"),
    Key("meta", _ANY, "anything"),
)
_PLOT_TEXTS = tuple(Key(name, _TEXT, "") for name in ("x", "y", "x_label", "y_label", "title", "template"))
_PLOT_FLAGS = Table((*_FLAGS, *_PLOT_TEXTS, Key("header", Boolean(), "")))
_PATHS: Schema = ListOf(Either((_TEXT, MapOf(Table(_FLAGS)))))
_PLOTS: Schema = ListOf(Either((_TEXT, MapOf(Either((_PLOT_FLAGS, ListOf(_PLOT_FLAGS)))))))
_MAPPING = MapOf(_ANY, any_key=True)
_VARS: Schema = ListOf(Either((_TEXT, _MAPPING)))
_DEFINITION: tuple[Key, ...] = (
    Key("cmd", Either((_TEXT, ListOf(_TEXT))), "the command, or a list of commands", required=True),
    Key("matrix", MapOf(Either((_TEXT, ListOf(_ANY)))), "names with lists of values: one stage for every combination"),
    Key("wdir", _TEXT, "the folder the command runs in"),
    Key("deps", ListOf(_TEXT), "files and folders the command reads"),
    Key("params", ListOf(Either((_TEXT, _MAPPING))), "parameters the command reads"),
    Key("vars", _VARS, "variables for templating in this stage"),
    Key("frozen", Boolean(), "whether changes before this stage are passed over"),
    Key("meta", _ANY, "anything; mlgit reads its own settings from meta.mlgit"),
    Key("desc", _TEXT, "a description"),
    Key("always_changed", Boolean(), "whether the stage runs every time"),
    Key("outs", _PATHS, "files and folders the command writes"),
    Key("metrics", _PATHS, "outputs that hold metrics"),
    Key("plots", _PLOTS, "outputs that hold data for plots"),
)
_ENTRY = Table(_DEFINITION)
_FOREACH = Table(
    (
        Key("foreach", Either((_TEXT, ListOf(_ANY), _MAPPING)), "the values to repeat the stage for", required=True),
        Key("do", Table(_DEFINITION), "the stage to repeat", required=True),
    )
)
_ARTIFACT = Table(
    (
        Key("path", _TEXT, "the file or folder", required=True),
        Key("desc", _TEXT, "a description"),
        Key("type", _TEXT, "what it is: model, dataset, ..."),
        Key("labels", ListOf(_TEXT), "labels to find it by"),
        Key("meta", _ANY, "anything"),
    )
)
_PLOT = Table(
    (
        Key("x", Either((_TEXT, MapOf(_TEXT))), "the column for x, or a file and its column"),
        Key("y", Either((_TEXT, ListOf(_TEXT), MapOf(Either((_TEXT, ListOf(_TEXT)))))), "the columns for y"),
        Key("x_label", _TEXT, "the label of x"),
        Key("y_label", _TEXT, "the label of y"),
        Key("title", _TEXT, "the title"),
        Key("template", _TEXT, "the template"),
    )
)
_FILE = Table(
    (
        Key("stages", MapOf(_ANY), "the stages by name"),
        Key("vars", _VARS, "variables for templating"),
        Key("params", ListOf(_TEXT), "parameter files to show"),
        Key("metrics", ListOf(_TEXT), "metric files to show"),
        Key("plots", ListOf(_ANY), "plots to show"),
        Key("artifacts", MapOf(_ARTIFACT), "models and datasets by name"),
        Key("datasets", _ANY, "datasets from elsewhere"),
    )
)
_ROWS: Schema = ListOf(MapOf(_ANY))
_DATA_FILE = Table(
    (
        Key("md5", _ANY, "the digest of an import's record"),
        Key("cmd", _ANY, "a command of DVC 1"),
        Key("wdir", _TEXT, "the folder that paths are relative to"),
        Key("deps", _ROWS, "where the data comes from"),
        Key("outs", _ROWS, "the data, with its digest"),
        Key("locked", Boolean(), "what DVC 1 calls frozen"),
        Key("frozen", Boolean(), "whether an import stays as it is"),
        Key("meta", _ANY, "anything"),
        Key("always_changed", Boolean(), "whether the data counts as changed"),
        Key("desc", _TEXT, "a description"),
    )
)


def check_file(document: Any, *, name: str) -> None:
    """Raise MlgitError for the first unknown key or wrong type of a parsed dvc.yaml, before templating."""
    check(document, _FILE, name=name)
    _check_sections(document, name)
    for stage, body in (document.get("stages") or {}).items():
        if not stage or "@" in stage:
            raise MlgitError(
                f"{name}: stages: '{stage}' is not a valid stage name",
                "leave out the @: DVC puts it before the values of foreach",
            )
        if type(body) is dict and "cmd" in body and all(_is_simple(key, value) for key, value in body.items()):
            continue
        repeated = isinstance(body, Mapping) and ("foreach" in body or "do" in body)
        check(body, _FOREACH if repeated else _ENTRY, name=name, path=f"stages.{stage}")


_TEXTS = frozenset(("cmd", "wdir", "desc"))
_LISTS = frozenset(("cmd", "deps", "params", "outs", "metrics", "plots"))


def _is_simple(key: str, value: Any) -> bool:
    """Whether a key of a stage is a text, or a list of texts, where the table allows that. To ask the table takes long."""
    if type(value) is str:
        return key in _TEXTS
    return key in _LISTS and type(value) is list and all(type(each) is str for each in value)


def _check_sections(document: Mapping[str, Any], name: str) -> None:
    for position, row in enumerate(document.get("plots") or ()):
        where = f"plots.{position}"
        check(row, Either((_TEXT, MapOf(_ANY))), name=name, path=where)
        for plot, body in row.items() if isinstance(row, Mapping) else ():
            if body is not None:
                check(body, _PLOT, name=name, path=f"{where}.{plot}")
    if document.get("datasets") is not None:  # of what is in them, DVC looks only at those that a stage names
        check(document["datasets"], Either((ListOf(_ANY), MapOf(_ANY))), name=name, path="datasets")


def needs_templating(document: Mapping[str, Any], text: str) -> bool:
    """Whether the stages of a pipeline file have to go through DVC's resolver."""
    bodies = (document.get("stages") or {}).values()
    return "${" in text or "vars" in document or any({"foreach", "matrix", "vars"} & body.keys() for body in bodies)


def stage(name: str, body: Mapping[str, Any], *, file: str, root: str) -> Stage:
    """One stage from its resolved definition in a pipeline file of the project in the folder `root`.

    Raises MlgitError, as `file: stages.name.key: what`, for values that are not what the key expects.
    """
    where = f"{file}: stages.{name}"
    if not _is_encodable(name):
        raise MlgitError(f"{file}: stages: {name!r} cannot be a name", "leave out the NUL character or half of a character")
    folder = posixpath.dirname(file)
    wdir = _place(_text(body.get("wdir") or ".", f"{where}.wdir"), folder, root)[1]
    found = Stage(
        name=name,
        file=file,
        cmd=_command(body.get("cmd"), f"{where}.cmd"),
        wdir=wdir,
        deps=tuple(Dependency(*_place(_text(path, f"{where}.deps"), wdir, root)) for path in body.get("deps") or ()),
        params=_parameters(body.get("params") or (), wdir, root, where=f"{where}.params"),
        outs=_all_outputs(body, wdir, root, where=where),
        frozen=bool(body.get("frozen")),
        always_changed=bool(body.get("always_changed")),
        desc=str(body.get("desc") or ""),
        meta=body["meta"] if isinstance(body.get("meta"), Mapping) else {},
    )
    _refuse_conflicts(found, where)
    reserved.refuse(found, where=where)
    stage_options.parse(found.meta, name=file, stage=name)
    return found._replace(exotic=_exotic(found, body))


def source(document: Mapping[str, Any], *, file: str, root: str) -> tuple[Stage, Entry | None]:
    """A .dvc file of the project in the folder `root`: the stage it stands for, and the content it records.

    The content is None where only DVC can read it.
    """
    folder = posixpath.dirname(file)
    check({key: value for key, value in document.items() if value is not None}, _DATA_FILE, name=file)
    wdir = _place(document.get("wdir") or ".", folder, root)[1]
    rows = document.get("outs") or []
    # what was imported from a repository is in that one's remote
    is_elsewhere = any(isinstance(row, Mapping) and row.get("repo") for row in document.get("deps") or ())
    for key in ("outs", "deps"):
        for position, row in enumerate(document.get(key) or []):
            _text(row.get("path"), f"{file}: {key}.{position}.path")
    outs = tuple(
        Output(
            *_place(row["path"], wdir, root),
            cache=bool(row.get("cache", True)),
            persist=bool(row.get("persist")),
            remote=str(row.get("remote") or "").lower(),
            push=bool(row.get("push", True)) and not is_elsewhere,
        )
        for row in rows
    )
    found = Stage(name="", file=file, wdir=wdir, outs=outs, frozen=bool(document.get("frozen")))
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("path"), str) or not isinstance(row.get("md5", ""), str):
            raise MlgitError(f"{file}: outs: not a list of tracked paths", f"restore the file: `git checkout -- {file}`")
    reserved.refuse(found, where=f"{file}: outs")
    plain = all(row.get("hash") == "md5" and "md5" in row and not row.keys() & {"files", "cloud"} for row in rows)
    if document.get("cmd"):
        return found._replace(exotic="a stage in a .dvc file"), None
    if document.get("deps"):
        deps = tuple(
            Dependency(*_place(row["path"], wdir, root))
            for row in document["deps"]
            if _is_local(str(row.get("path", ""))) and not row.get("repo")
        )
        return found._replace(deps=deps, exotic="an import"), None
    if not plain:
        return found._replace(exotic="content recorded by DVC 2 or a cloud version"), None
    try:
        items = tuple(map(lock.parse_item, rows))
    except TypeError as error:
        raise MlgitError(f"{file}: outs: {error}", f"restore the file, or type `dvc add` for the data of {file}") from error
    return found._replace(exotic=_exotic_paths(found)), Entry(cmd=(), outs=items)


def _command(value: Any, where: str) -> Command:
    value = value or ""  # DVC reads a stage without a command, and fails when it is to run
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        _refuse_unrunnable("\n".join(value), where)
        return tuple(value)
    if isinstance(value, str):
        _refuse_unrunnable(value, where)
        return value
    raise MlgitError(f"{where}: expected a command or a list of commands, found {value!r}")


def _refuse_unrunnable(text: str, where: str) -> None:
    if not _is_encodable(text):
        raise MlgitError(f"{where}: a command cannot hold a NUL character or half of a character")


def _is_encodable(text: str) -> bool:
    """Whether a text can go to the system: no NUL character, no half of a character (`\\ud800`)."""
    return "\0" not in text and (text.isascii() or not _HALF.search(text))


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or not _is_encodable(value):
        raise MlgitError(f"{where}: expected a path, found {value!r}")
    return value


def _parameters(rows: Sequence[Any], wdir: str, root: str, *, where: str) -> tuple[Parameters, ...]:
    keys: dict[str, list[str]] = {}
    whole = {name for row in rows if isinstance(row, Mapping) for name, chosen in row.items() if not chosen}
    for row in rows:
        for name, chosen in row.items() if isinstance(row, Mapping) else [("params.yaml", [row])]:
            if name in whole:
                keys[name] = []
                continue
            if not isinstance(chosen, list) or not all(isinstance(key, str) for key in chosen):
                raise MlgitError(f"{where}: {name}: expected a list of parameter names, found {chosen!r}")
            keys.setdefault(name, []).extend(chosen)
    found = []
    for name, chosen in keys.items():
        path, target = _place(_text(name or f"{root}/params.yaml", where), wdir, root)
        normal = "" if path == target else posixpath.relpath(f"/{target}", f"/{wdir}")
        found.append(Parameters(path, target, tuple(dict.fromkeys(chosen)), normal if _is_local(path) else ""))
    return tuple(found)


def _all_outputs(body: Mapping[str, Any], wdir: str, root: str, *, where: str) -> tuple[Output, ...]:
    kinds: tuple[tuple[str, OutputKind], ...] = (("outs", "out"), ("metrics", "metric"), ("plots", "plot"))
    found: list[Output] = []
    for key, kind in kinds:
        flags = _output_flags(body.get(key) or (), f"{where}.{key}")
        found += [
            Output(
                *_place(path, wdir, root),
                kind,
                cache=bool(own.get("cache", True)),
                persist=bool(own.get("persist")),
                remote=str(own.get("remote") or "").lower(),
                push=bool(own.get("push", True)),
            )
            for path, own in flags.items()
        ]
    return tuple(found)


def _output_flags(rows: Sequence[Any], where: str) -> dict[str, dict[str, Any]]:
    """The settings of each output by path; of a path that is named twice those of both."""
    flags: dict[str, dict[str, Any]] = {}
    for row in rows:
        for path, own in row.items() if isinstance(row, Mapping) else [(row, {})]:
            text = _text(path, where)
            if "\n" in text:
                raise MlgitError(f"{where}: a path cannot hold a line break: {text!r}", ".gitignore could not name it")
            if not isinstance(own, Mapping):
                raise MlgitError(f"{where}: {text}: expected a mapping of settings, found {own!r}")
            flags.setdefault(text, {}).update(own)
    return flags


def _refuse_conflicts(found: Stage, where: str) -> None:
    """Raise MlgitError for an output that the stage also reads or declares twice. Inputs may be named as often as one likes."""
    read = {target for _, target in found.inputs()}
    written: set[str] = set()
    for out in found.outs:
        if out.target == "":
            raise MlgitError(
                f"{where}: an output cannot be the project itself", "name the files and folders that the stage writes"
            )
        if out.target in read:
            raise MlgitError(
                f"{where}: '{out.target}' is both a dependency and an output", "a stage cannot depend on its own output"
            )
        if out.target in written:
            raise MlgitError(f"{where}: '{out.target}' is declared as an output twice", "name every output once")
        written.add(out.target)


def _exotic(found: Stage, body: Mapping[str, Any]) -> str:
    for row in (row for key in ("outs", "metrics", "plots") for row in body.get(key) or () if isinstance(row, Mapping)):
        if any(isinstance(own, Mapping) and "checkpoint" in own for own in row.values()):
            return "an output that is a checkpoint"
    return _exotic_paths(found)


def _exotic_paths(found: Stage) -> str:
    for path, target in _paths(found):
        if not _is_local(path):
            return f"'{path}' is not a path in the project"
        if target.startswith("../") or target == "..":
            return f"'{path}' lies outside the project"
    if any(posixpath.basename(out.target) == ".gitignore" for out in found.outs):
        return "a .gitignore as output, which gets lines of its own"
    if any(set("*?[") & set(key) for params in found.params for key in params.keys):
        return "a parameter name with a pattern"
    return "the folder it runs in lies outside the project" if found.wdir.startswith("..") else ""


def _paths(found: Stage) -> list[tuple[str, str]]:
    return found.inputs() + [(out.path, out.target) for out in found.outs]


def _is_local(path: str) -> bool:
    return bool(path) and "://" not in path and not path.startswith(("/", "~"))


def _place(path: str, folder: str, root: str) -> tuple[str, str]:
    """A path as it is recorded, and as seen from the project in `root` ('' is the project itself).

    As DVC, which takes a path as it is written and an absolute one inside the project as seen from the stage's folder.
    """
    if not folder and _PLAIN_PATH.fullmatch(path):
        return path, path
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == root:
        return path, ""
    if path.startswith("/") and joined.startswith(f"{root}/"):
        joined = joined[len(root) + 1 :]
        path = posixpath.relpath(f"/{joined}", f"/{folder}")
    return path, "" if joined == "." else joined
