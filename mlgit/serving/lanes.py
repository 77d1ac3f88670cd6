"""Who answers which request: the champion, or for its share the canary; the shadow is asked the same and answers nobody."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mlgit.serving import faults
from mlgit.serving.batching import Batcher
from mlgit.serving.exchange import Exchange
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.log_header import Role
from mlgit.serving.recording import Recorder
from mlgit.serving.rows import RefusedRequestError, Rows

ROLES: tuple[Role, ...] = ("champion", "canary", "shadow")
# What waits for the shadow holds memory: so many requests, and so many rows.
MOST_SHADOWED, MOST_ROWS_SHADOWED = 1000, 20_000
_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Lanes:
    """The models of one deployment. It never changes: a new deployment is a new value, and requests on their way keep theirs.

    `share` (0 to 1) of the requests goes to the canary, chosen by `key`: request_id, or an input column; a request
    without a value there goes by its id.
    """

    champion: Batcher
    recorder: Recorder
    canary: Batcher | None = None
    shadow: Batcher | None = None
    share: float = 0.0
    key: str = "request_id"

    def choose(self, request_id: str, rows: Rows) -> Batcher:
        """Who answers: the same for the same key, whichever process is asked."""
        if self.canary is None:
            return self.champion
        key = request_id if self.key == "request_id" else self._value(rows)
        key = request_id if key is None else key
        part = int.from_bytes(hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:8], "big") % _PARTS
        return self.canary if part < self.share * _PARTS else self.champion

    def _value(self, rows: Rows) -> str | None:
        """The first row's value of the column that chooses, as text: the same in every protocol. None where it has none."""
        columns = rows.columns or tuple(each.name for each in self.champion.model.inputs.columns)
        place = columns.index(self.key) if self.key in columns else -1
        value: Any = rows.data[0][place] if len(rows) and 0 <= place < len(rows.data[0]) else None
        if value is None or value != value:
            return None
        if isinstance(value, int | float):  # numpy's, too: the binary protocol writes 40.0 for 40
            return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))
        return str(value)

    def version(self, name: str) -> Batcher | None:
        """Who answers as a version that the client names; None for one that is not served."""
        for each in self.answering:
            if each.model.release.version == name:
                return each
        return None

    def overhear(self, exchange: Exchange, rows: Rows) -> bool:
        """Ask the shadow what was answered just now; False where it has too much to do."""
        shadow = self.shadow
        assert shadow is not None
        if len(shadow) >= MOST_SHADOWED or shadow.rows + len(rows) > MOST_ROWS_SHADOWED:
            return False
        try:
            data = shadow.model.inputs.aligned(rows)
        except RefusedRequestError:
            return False
        except Exception as error:  # the answer has left
            faults.tell(error)
            return False
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answered.add_done_callback(lambda done: done.exception())  # nobody waits for it
        shadow.ask(Exchange(exchange.id, exchange.time, exchange.started, data, exchange.methods, answered))
        return True

    @property
    def answering(self) -> tuple[Batcher, ...]:
        """The lanes that somebody waits for."""
        return (self.champion,) if self.canary is None else (self.champion, self.canary)

    @property
    def models(self) -> Mapping[str, LoadedModel]:
        """The models by their part."""
        parts = {"champion": self.champion, "canary": self.canary, "shadow": self.shadow}
        return {name: each.model for name, each in parts.items() if each is not None}


def lanes(
    models: Mapping[str, LoadedModel],
    *,
    recorder: Recorder,
    share: float = 0.0,
    key: str = "request_id",
) -> Lanes:
    """The lanes of models by their part: champion, and perhaps canary and shadow.

    Each has a thread of its own: a slow model on trial holds up nobody, nor does one that was replaced because it hung.
    """
    made = {
        role: Batcher(
            models[role],
            executor=ThreadPoolExecutor(1, role),
            record=functools.partial(recorder.record, role),
            is_apart=role == "shadow",
        )
        for role in ROLES
        if role in models
    }
    return Lanes(made["champion"], recorder, made.get("canary"), made.get("shadow"), share, key)
