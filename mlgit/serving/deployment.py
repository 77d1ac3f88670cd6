"""What a server answers with: one release, and perhaps a second for a share of the requests and a third that only listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Deployment:
    """Folders of releases: `champion` answers; `canary` answers `share` of the requests (0 to 1), chosen by `key`; `shadow` is
    asked the same and answers nobody.

    `key` is request_id, or the input column by whose value the share is taken.
    """

    champion: Path
    canary: Path | None = None
    shadow: Path | None = None
    share: float = 0.0
    key: str = "request_id"

    def document(self) -> dict[str, Any]:
        """The same as JSON, for a worker."""
        folders = {"champion": self.champion, "canary": self.canary, "shadow": self.shadow}
        return {name: str(folder) if folder else None for name, folder in folders.items()} | {
            "share": self.share,
            "key": self.key,
        }


def read(document: Mapping[str, Any]) -> Deployment:
    """The deployment that `Deployment.document` told."""
    folders = {name: Path(found) if (found := document[name]) else None for name in ("canary", "shadow")}
    return Deployment(Path(document["champion"]), **folders, share=document["share"], key=document["key"])
