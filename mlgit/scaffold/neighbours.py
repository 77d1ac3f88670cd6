"""The other projects of a repository: what is theirs is never taken for a file that this one has renamed.

Projects of one template are alike. Where one has deleted a file, Git finds the same file in the other, takes it for the new
name, and would bring the template's change to the wrong project. What all three sides of a merge have is never looked at.
"""

from __future__ import annotations

from pathlib import Path

from mlgit.adapters.formats import documents
from mlgit.adapters.git import git, merging
from mlgit.errors import MlgitError
from mlgit.scaffold import pristine, state
from mlgit.scaffold.merge import Entry, Files


def of_others(root: Path, files: Files, *, prefix: str) -> dict[str, Entry]:
    """Those of a commit's files that belong to other projects than the one in `prefix` ('' or ending with '/').

    They are what lies in the folder of one, and what a template gave it elsewhere.
    """
    name = f"/{state.NAME}"
    folders = [path.removesuffix(state.NAME) for path in files if path == state.NAME or path.endswith(name)]
    found: dict[str, Entry] = {}
    for folder in folders:
        if folder == prefix:
            continue
        given = _given(root, files[f"{folder}{state.NAME}"], prefix=folder)
        # around this project lies what may be this one's as well
        holds = folder if not prefix.startswith(folder) else None
        found |= {path: entry for path, entry in files.items() if path in given or (holds and path.startswith(holds))}
    if prefix:
        return {path: entry for path, entry in found.items() if not path.startswith(prefix)}
    return found


def _given(root: Path, entry: Entry, *, prefix: str) -> Files:
    """What a template gave another project; nothing where that cannot be read or is not here."""
    try:
        text = git.read_objects(root, [entry[1]])[entry[1]][1].decode()
        recorded = state.parse(documents.parse_yaml(text, name=state.NAME))
    except (MlgitError, KeyError, UnicodeDecodeError):
        return {}
    if not merging.is_complete(root, recorded.tree):
        return {}
    return merging.entries(root, pristine.placed(root, recorded.tree, recorded, prefix=prefix))
