"""What of a searched folder decides which pipeline files there are. Kept free of imports, as `noop`."""

from __future__ import annotations

import os

from mlgit.adapters.system import stat_signature


def names(folder: str) -> list[str]:
    """The subfolders, pipeline files, and ignore files with their stamps; every other file makes no difference."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in (".gitignore", ".dvcignore"):
                found.append(f"{entry.name}{stat_signature.of(entry.path)}")
            elif entry.name == "dvc.yaml" or entry.name.endswith(".dvc") or entry.is_dir(follow_symlinks=False):
                found.append(entry.name)
    return sorted(found)
