"""Libraries that few tests need and that take seconds to import: every worker collects all tests, and one runs these."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


class Late:
    """A module whose functions and classes import it when they are called: `metrics = Late("sklearn.metrics")`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Callable[..., Any]:
        if attribute.startswith("__"):
            raise AttributeError(attribute)

        def call(*args: Any, **named: Any) -> Any:
            return getattr(importlib.import_module(self._name), attribute)(*args, **named)

        return call


class Module:
    """A module that is imported when one of its names is used: `pd = Module("pandas")`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # pytest asks everything in a file whether it is a fixture
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)
