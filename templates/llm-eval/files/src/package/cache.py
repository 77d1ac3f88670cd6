"""Answers that were paid for once: `responses/`, an output of the stage `call` that DVC keeps while it runs.

An answer is written down when it arrives, so that none is lost when the run stops, for whatever reason.
"""

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Self

from . import files
from .models import Model


def key(model: Model, messages: list[dict[str, str]], repeat: int) -> str:
    """What an answer depends on. Prices and the way to the provider are no part of it; the number of the repeat is."""
    params = {"temperature": model.temperature, "seed": model.seed, "max_tokens": model.max_tokens}
    asked = [model.model, params, messages, repeat]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class Cache:
    """The recorded answers by key; a context, whose end brings them into their order."""

    def __init__(self, folder: Path) -> None:
        self._kept, self._journal = folder / "answers.jsonl", folder / "journal.jsonl"
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._known = {row["key"]: row for path in (self._kept, self._journal) for row in _read(path)}

    def get(self, key: str) -> dict[str, Any] | None:
        """The answer of this key."""
        return self._known.get(key)

    def put(self, key: str, answer: dict[str, Any]) -> None:
        """Record an answer at once."""
        row = {"key": key, **answer}
        with self._lock:
            self._known[key] = row
            self._stream.write(files.line(row))
            self._stream.flush()

    def __enter__(self) -> Self:
        self._tidy()
        self._stream = self._journal.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._tidy()

    def _tidy(self) -> None:
        # in a new file: the old one may be a link into DVC's cache
        new = self._kept.with_suffix(".new")
        files.write_jsonl(new, (self._known[key] for key in sorted(self._known)))
        os.replace(new, self._kept)
        self._journal.unlink(missing_ok=True)


def _read(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a file; the last one may have been cut off with the run that wrote it."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].split("\n") if line]
