"""What is installed in an image: the libraries of the model as the release's lock has them, and the server around them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlgit.serving.package import server_pins, uv_lock
from mlgit.serving.package.uv_lock import UnhashedError

LOCK, REQUIREMENTS = "uv.lock", "requirements.txt"
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_REFERENCE = re.compile(r"^\s*(?:(?:-r|-c|-e|-f|--requirement|--constraint|--editable|--find-links)\b|[./]).*", re.MULTILINE)
_UNPINNED = (
    "No file of the commit pins what the model was trained with: server-requirements.txt has other versions in its place."
)
# Without these nothing is read, and what other versions make of a model is not what was released.
_READERS = ("scikit-learn", "skops")


@dataclass(frozen=True, slots=True)
class ImageRequirements:
    """The libraries of the model as requirements for pip; `is_hashed`: each file of each of them is named by its hash.

    `note` says why it is not so.
    """

    text: str
    is_hashed: bool = False
    note: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The packages that are named, as indexes compare them."""
        return frozenset(_plain(found[1]) for line in self.text.splitlines() if (found := _NAME.match(line)) and line[0] != " ")


def of_release(texts: Mapping[str, str], requires: Mapping[str, str], *, is_whole: bool) -> ImageRequirements:
    """The libraries of a model. `texts` are the files of its commit that pin them, `requires` the versions that those tell.

    With hashes all of the lock is taken, else only what reads a model; `is_whole` with the rest of requirements.txt, for code
    that may import any of it.
    """
    if LOCK in texts:
        try:
            found = uv_lock.exported(tomllib.loads(texts[LOCK]))
            return ImageRequirements(_headed(f"All that the project requires, by the hashes of {LOCK}.", found.values()), True)
        except UnhashedError as error:
            why = f"{LOCK} has no hash of {error.name}"
        except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
            why = f"{LOCK} cannot be read"
    elif REQUIREMENTS in texts and "--hash=" in texts[REQUIREMENTS]:
        if not (strange := _refers(texts[REQUIREMENTS])):
            return ImageRequirements(_ended(texts[REQUIREMENTS]), True)
        why = f"{REQUIREMENTS} names what is not in the image: {strange}"
    else:
        why = "the commit has no lock with hashes"
    return _pinned(texts, requires, why, is_whole=is_whole)


def server(requirements: ImageRequirements) -> str:
    """What the server is installed with, as requirements for pip: what the model does not bring itself."""
    rows = [f"{name}=={version}\n" for name, version in server_pins.PINS.items() if name not in requirements.names]
    return _headed("What answers requests, in the versions that it was tested with.", rows)


def pins(text: str) -> dict[str, str]:
    """Name -> version of the exact requirements in a text."""
    found = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?\s*===?\s*([\w.!+-]+)", text, re.MULTILINE | re.ASCII)
    return {_plain(name): version for name, version in found}


def _pinned(texts: Mapping[str, str], requires: Mapping[str, str], why: str, *, is_whole: bool) -> ImageRequirements:
    note = f"{why}, so pip takes whatever files the index has for these versions"
    if missing := [name for name in _READERS if name not in requires]:
        tested = ", ".join(f"{name} {server_pins.PINS[name]}" for name in missing)
        note += f"; no file of the commit pins {' and '.join(missing)}: the image gets {tested}"
    if is_whole and REQUIREMENTS in texts and not _refers(texts[REQUIREMENTS]):
        return ImageRequirements(_ended(texts[REQUIREMENTS]), note=note)
    rows = [f"{name}=={version}\n" for name, version in sorted(requires.items())]
    what = "What the model was trained with, as the release's lock has it." if rows else _UNPINNED
    return ImageRequirements(_headed(what, rows), note=note)


def _refers(text: str) -> str:
    """The first requirement of a file that lies in another file or folder, which the builder does not see; '' for none."""
    found = _REFERENCE.search(text)
    return found[0].strip()[:80] if found else ""


def _headed(line: str, rows: Iterable[str]) -> str:
    return f"# {line}\n" + "".join(rows)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _plain(name: str) -> str:
    """A name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
