"""models.yaml as checked values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

LOOPBACK = ("127.0.0.1", "::1", "localhost")
REQUIRED = {
    "provider": str,
    "model": str,
    "temperature": (int, float),
    "seed": int,
    "max_tokens": int,
    "price_in": (int, float),
    "price_out": (int, float),
}
OPTIONAL = ("base_url", "key_env")


@dataclass(frozen=True)
class Model:
    """How a model is called; prices are US dollars for a million tokens."""

    provider: str
    model: str
    temperature: float
    seed: int
    max_tokens: int
    price_in: float
    price_out: float
    base_url: str = ""
    key_env: str = ""

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """US dollars for so many tokens."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


def read(name: str, path: Path) -> Model:
    """The model of this name; ValueError for whatever is wrong with what the file says of it."""
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = given.get("models") if isinstance(given, dict) else None
    if not isinstance(known, dict) or name not in known:
        found = ", ".join(map(str, known or ()))
        raise ValueError(f"{path}: models: no '{name}', which the prompt asks for; found {found}")
    try:
        return _model(known[name])
    except ValueError as error:
        raise ValueError(f"{path}: models.{name}: {error}") from error


def _model(given: Any) -> Model:
    keys = given.keys() if isinstance(given, dict) else set()
    if not REQUIRED.keys() <= keys <= {*REQUIRED, *OPTIONAL}:
        raise ValueError(f"expected the keys {', '.join(REQUIRED)}; of openai {' and '.join(OPTIONAL)}")
    for key, value in given.items():
        kind = REQUIRED.get(key, str)
        is_fit = isinstance(value, kind) and not isinstance(value, bool)
        if not is_fit or (kind is not str and not value >= 0):
            raise ValueError(f"{key}: {value!r} is no such value")
    model = Model(**given)
    if model.provider not in ("stub", "openai"):
        raise ValueError(f"provider: '{model.provider}' is neither stub nor openai")
    is_stub = model.provider == "stub"
    if is_stub == bool(model.base_url) or (is_stub and model.key_env):
        raise ValueError("base_url and key_env: openai needs a base_url, stub takes neither")
    _check_url(model)
    return model


def _check_url(model: Model) -> None:
    url = urlsplit(model.base_url)
    if url.username or url.password or url.query:
        raise ValueError("base_url: no place for a key; name its variable as key_env")
    is_safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)
    if model.base_url and not is_safe:
        # what is sent, and the key, would go over the network in the clear
        raise ValueError("base_url: expected https://, or http:// on this machine")
