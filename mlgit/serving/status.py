"""What a server knows of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlgit.serving.deployment import Deployment


@dataclass(slots=True)
class ServingStatus:
    """What a server tells of itself: what it serves, and when it looked for something newer (in seconds since 1970).

    `models` are by their part (champion, canary, shadow); `interface` is the OpenAPI document of what is served; `trouble` is
    why the last look changed nothing, '' for none.
    """

    deployment: Deployment
    models: Mapping[str, Any] = field(default_factory=dict)
    interface: Mapping[str, Any] = field(default_factory=dict)
    looked: float = 0.0
    swapped: float = 0.0
    trouble: str = ""
    restarts: int = 0
