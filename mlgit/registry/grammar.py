"""The names of registry tags, exactly as GTO 1.x writes and reads them (https://github.com/iterative/gto).

`churn@v1.2.0` registers a version, `churn@v1.2.0!` withdraws it, `churn#prod#3` puts the version at the tagged commit into
an environment, `churn#prod!#4` takes it out, `churn@deprecated` retires the artifact; every name may end with a counter `#N`.
The artifact of a subfolder, `models/nlp:churn`, is written `models/nlp=churn`, for a ref may not hold a colon.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, get_args

from mlgit.errors import MlgitError
from mlgit.registry.event import Action, TagName

Part = Literal["patch", "minor", "major"]
PARTS = get_args(Part)
FIRST_VERSION = "v0.0.1"
LATEST = "latest"
# Below it lie approvals: tags that the grammar of GTO does not know.
APPROVALS = "mlgit/approvals/"
# Longer names are none: Python makes no numbers of thousands of digits.
_LONGEST = 1000

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?"
# Possessive, so that a name without a folder is not tried anew from each of its characters.
_FOLDER = r"[a-zA-Z0-9_./-]++"
_NUMBER = r"(?:0|[1-9]\d*)"
_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
# Semantic Versioning 2.0.0, https://semver.org, with the `v` in front that GTO demands.
_VERSION = (
    rf"v(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<pre>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+(?P<build>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
_TAG = re.compile(
    rf"(?P<artifact>(?:{_FOLDER}=)?{_NAME})"
    rf"(?:(?:#(?P<environment>{_NAME})|@(?P<version>{_VERSION}))(?P<cancel>!?)|@(?P<deprecated>deprecated))"
    r"(?:#(?P<counter>[0-9]+))?",
    re.ASCII,
)
_VERSION_ONLY = re.compile(_VERSION, re.ASCII)
_ARTIFACT = re.compile(rf"(?:{_FOLDER}:)?{_NAME}", re.ASCII)
_ENVIRONMENT = re.compile(_NAME, re.ASCII)


def parse(ref: str) -> TagName | None:
    """What the name of a tag (below refs/tags/) says; None for a tag that is not the registry's."""
    is_likely = ("@" in ref or "#" in ref) and len(ref) <= _LONGEST
    found = _TAG.fullmatch(ref) if is_likely else None
    if found is None:
        return None
    artifact, version, environment, cancel, counter = found.group("artifact", "version", "environment", "cancel", "counter")
    action: Action = "deprecate"
    if version:
        action = "deregister" if cancel else "register"
    elif environment:
        action = "unassign" if cancel else "assign"
    number = int(counter) if counter else None
    return TagName(artifact.replace("=", ":"), action, version or "", environment or "", number)


def artifact_of(ref: str) -> str:
    """The artifact that a tag is about, an approval included; '' for a tag that is none of the registry's."""
    name = parse(ref)
    if name is None and ref.startswith(APPROVALS):
        return ref.removeprefix(APPROVALS).rpartition("/")[0].rpartition("/")[0].replace("=", ":")
    return name.artifact if name else ""


def format(name: TagName) -> str:  # noqa: A001 - the inverse of `parse`
    """The tag of a name, as `parse` reads it."""
    cancel = "!" if name.action in ("deregister", "unassign") else ""
    what = f"#{name.environment}" if name.environment else f"@{name.version or 'deprecated'}"
    counter = "" if name.counter is None else f"#{name.counter}"
    return f"{name.artifact.replace(':', '=')}{what}{cancel}{counter}"


def plain(name: str) -> str:
    """An artifact's name as tags have it, of one that names the file too, as DVC lets one: `nlp/dvc.yaml:churn`."""
    folder, colon, last = name.rpartition(":")
    above, _, file = folder.rpartition("/")
    folder = above if file in ("", "dvc.yaml") else folder
    return f"{folder}{colon}{last}" if folder else last


def check_name(name: str) -> None:
    """Raise MlgitError for what cannot be the name of an artifact."""
    if not _ARTIFACT.fullmatch(name):
        raise MlgitError(f"'{name}' cannot be an artifact's name", "use letters, digits, '-', '_' and '/'; `folder:name` below")
    if any(part in ("", ".", "..") or part.endswith((".", ".lock")) for part in name.replace(":", "/").split("/")):
        raise MlgitError(f"'{name}' cannot be an artifact's name: Git takes no such tag", "use a plain name, as in dvc.yaml")


def check_environment(name: str) -> None:
    """Raise MlgitError for what cannot be the name of an environment."""
    if not _ENVIRONMENT.fullmatch(name) or "//" in name:
        raise MlgitError(f"'{name}' cannot be an environment's name", "use letters, digits, '-', '_' and '/'")


def check_version(version: str) -> None:
    """Raise MlgitError for what is no version."""
    if not is_version(version):
        hint = "a version is vMAJOR.MINOR.PATCH, as v1.2.0 or v2.0.0-rc.1 (https://semver.org)"
        raise MlgitError(f"'{version}' is not a version", hint)


def is_version(word: str) -> bool:
    """Whether a word is a version, `v` included."""
    return len(word) <= _LONGEST and _VERSION_ONLY.fullmatch(word) is not None


def version_key(version: str) -> tuple[object, ...]:
    """A key that sorts versions by precedence (Semantic Versioning 2.0.0, rule 11), then by build; others come before all."""
    found = _VERSION_ONLY.fullmatch(version)
    if found is None:
        return (-1, -1, -1, (), version)
    pre = tuple((0, int(each), "") if each.isdigit() else (1, 0, each) for each in (found["pre"] or "").split("."))
    release = ((2, 0, ""),) if found["pre"] is None else pre
    return (int(found["major"]), int(found["minor"]), int(found["patch"]), release, found["build"] or "")


def bump(version: str, part: Part) -> str:
    """The next version; a pre-release or build part is dropped, as in GTO."""
    found = _VERSION_ONLY.fullmatch(version)
    assert found
    major, minor, patch = int(found["major"]), int(found["minor"]), int(found["patch"])
    if part == "major":
        return f"v{major + 1}.0.0"
    return f"v{major}.{minor + 1}.0" if part == "minor" else f"v{major}.{minor}.{patch + 1}"


class Reference(NamedTuple):
    """What a user means by a word: an artifact, a version of it (`latest` for the highest), or what is in an environment."""

    artifact: str
    version: str = ""
    environment: str = ""

    def __str__(self) -> str:
        return self.artifact + (f"@{self.version}" if self.version else f"#{self.environment}" if self.environment else "")


def reference(text: str) -> Reference:
    """NAME, NAME@VERSION (with or without `v`), NAME@latest or NAME#ENVIRONMENT.

    Raises MlgitError for anything else.
    """
    name, at, version = text.partition("@")
    if not at:
        name, hash_sign, environment = text.partition("#")
        name = plain(name)
        check_name(name)
        if hash_sign:
            check_environment(environment)
        return Reference(name, environment=environment)
    name = plain(name)
    check_name(name)
    if version in (LATEST, "greatest"):
        return Reference(name, LATEST)
    version = f"v{version}" if is_version(f"v{version}") else version
    check_version(version)
    return Reference(name, version)
