"""A release as a server needs it: one folder with the model, its contract and rows to test it with.

`mlgit serve` makes such a folder from a tag, `mlgit package` writes one into an image; servers read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mlgit import serving_settings
from mlgit.errors import MlgitError
from mlgit.serving_settings import Serving

NAME = "release.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a model, and what has to be known to answer with it. Paths are relative to the folder.

    `model` is the artifact as the registry names it; `tag` and `tag_oid` are what put the version where it is served;
    `file` is the model's file or folder, `md5` and `sha256` its digests as the version records them. `contract` is '' where
    there is none. `self_test` is a file with rows and the answers that were recorded for them, '' where `untested` says why
    there are none. `requires` are the libraries of the release by name, with their versions, as far as its lock says.
    `label` is the column with the truth, `id` the one that names a row, `positive` the label whose probability is the score.
    """

    model: str
    version: str
    commit: str
    tag: str
    tag_oid: str
    md5: str
    sha256: str
    file: str
    format: str = ""
    contract: str = ""
    contract_sha256: str = ""
    self_test: str = ""
    untested: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    id: str = ""
    positive: str | float | bool | None = None
    serving: Serving = field(default_factory=lambda: Serving(""))

    def document(self) -> dict[str, Any]:
        """The release as JSON: schema 1."""
        return {"schema": SCHEMA, **asdict(self)}


def read(document: Any, *, where: str) -> Release:
    """The release that a parsed release.json describes; `where` is the file's name. Raises MlgitError for one that is none."""
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise MlgitError(f"{where}: not a release of schema {SCHEMA}", "`mlgit package` writes one")
    known = {each: document[each] for each in Release.__dataclass_fields__ if each in document}
    try:
        return Release(**known | {"serving": serving_settings.of_document(document.get("serving", {}))})
    except (TypeError, KeyError, ValueError) as error:
        raise MlgitError(f"{where}: not a release: {error}", "`mlgit package` writes one") from error
