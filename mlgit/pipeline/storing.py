"""Outputs that a stage made, or that were restored, placed in the cache and linked to it as DVC does."""

from __future__ import annotations

from pathlib import Path

from mlgit.adapters.dvc.hashing import Content, Fingerprints
from mlgit.adapters.dvc.store import Cache
from mlgit.pipeline.model import Digest, Entry, Output, Stage


class Storage:
    """The outputs of one project on their way to the cache."""

    def __init__(self, root: Path, *, fingerprints: Fingerprints, cache: Cache) -> None:
        self._top = str(root)
        self._fingerprints = fingerprints
        self._cache = cache

    def refuse_unlinkable(self, stage: Stage, recorded: Entry | None) -> None:
        """Raise MlgitError for an output that could not be linked to the cache after a run, as far as that is known now."""
        was_file = {item.path for item in recorded.outs if not item.digest.is_folder} if recorded else set()
        for out in stage.outs:
            if out.cache:
                self._cache.links.refuse_impossible(f"{self._top}/{out.target}", stays=out.path not in was_file)

    def store(self, out: Output, digest: Digest | None, *, restored: bool) -> None:
        """Place an output of this digest in the cache and link it; `restored`: it was to be restored, and lay there as it is.

        Raises MlgitError when it changes meanwhile, or cannot be linked.
        """
        assert digest is not None
        path, target = f"{self._top}/{out.target}", out.target
        content = Content(digest.md5, digest.size, digest.nfiles, digest.isexec)
        new: set[str] = set()
        members = self._fingerprints.members(target) if digest.is_folder else []
        if digest.is_folder:
            new = self._cache.add_folder(path, members, content, listing=self._fingerprints.listing(target))
        else:
            self._cache.add_file(path, content.md5)
        linked = self._fingerprints.linked.get(target)
        if not self._cache.relink(content, members, path, linked=linked, new=new, restored=restored, as_copy=not out.cache):
            return
        if digest.is_folder:
            self._fingerprints.renew(target)
        else:
            self._fingerprints.remember(target, content)
