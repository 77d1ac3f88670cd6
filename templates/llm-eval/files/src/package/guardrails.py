"""guardrails.yaml as checked values: what is held back on the way to a model, and on the way from it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import assertions

CARD = re.compile(r"(?<!\d)(?:\d{4}[ -]?){3}\d{1,7}(?!\d)")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class Rail:
    """One guardrail, and texts that show what it does."""

    id: str
    kind: str
    setting: Any
    must_fire: tuple[str, ...]
    must_not_fire: tuple[str, ...]


@dataclass(frozen=True)
class Guardrails:
    """The whole of guardrails.yaml."""

    before: list[Rail]
    after: list[Rail]


def read(path: Path) -> Guardrails:
    """Read the guardrails; ValueError for what is wrong with them."""
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(given, dict) or given.keys() != {"before", "after"}:
        raise ValueError(f"{path}: expected the keys before and after")
    found = {}
    for side, rails in given.items():
        found[side] = [_rail(each, f"{path}: {side}[{at}]") for at, each in enumerate(rails or [])]
    ids = [rail.id for rails in found.values() for rail in rails]
    if len({*ids}) < len(ids):
        raise ValueError(f"{path}: each id may be there once: {', '.join(ids)}")
    return Guardrails(**found)


def _rail(given: Any, where: str) -> Rail:
    kind = given.get("kind") if isinstance(given, dict) else None
    if kind not in KINDS:
        raise ValueError(f"{where}: kind: expected one of {', '.join(KINDS)}; found {kind!r}")
    key, expected, _ = KINDS[kind]
    if given.keys() != {"id", "kind", key, "must_fire", "must_not_fire"}:
        raise ValueError(f"{where}: expected the keys id, kind, {key}, must_fire and must_not_fire")
    if not isinstance(given[key], expected) or not given[key]:
        raise ValueError(f"{where}: {key}: {given[key]!r} is no value of it")
    shown = {side: tuple(map(_text, given[side] or ())) for side in ("must_fire", "must_not_fire")}
    if not all(shown.values()):
        raise ValueError(f"{where}: needs a text that it must fire on, and one that it must not")
    rail = Rail(str(given["id"]), kind, given[key], **shown)
    fires(rail, "")  # a setting that cannot be used is told here
    return rail


def _text(given: Any) -> str:
    """A text, or one that is there many times: `{repeat: x, times: 5}`."""
    return given["repeat"] * given["times"] if isinstance(given, dict) else str(given)


def fires(rail: Rail, text: str) -> bool:
    """Whether a text is held back."""
    return KINDS[rail.kind][2](rail.setting, text)


def recall(rails: list[Rail]) -> float:
    """Of the texts that must be held back, the share that is."""
    shown = [fires(rail, text) for rail in rails for text in rail.must_fire]
    return sum(shown) / len(shown) if shown else 1.0


def false_alarms(rails: list[Rail]) -> int:
    """How many texts are held back that must not be."""
    return sum(fires(rail, text) for rail in rails for text in rail.must_not_fire)


def _holds_personal_data(kinds: list[str], text: str) -> bool:
    return any(PERSONAL[kind](text) for kind in kinds)


def _holds_word(words: list[str], text: str) -> bool:
    folded = text.casefold()
    return any(re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", folded) for word in words)


def _has_card(text: str) -> bool:
    return any(_luhn(match[0]) for match in CARD.finditer(text))


def _luhn(number: str) -> bool:
    digits = [int(char) for char in number if char.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _has_iban(text: str) -> bool:
    return any(_is_iban(match[0].replace(" ", "")) for match in IBAN.finditer(text))


def _is_iban(text: str) -> bool:
    # what follows in the text may have been taken along
    turned = (text[4:end] + text[:4] for end in range(15, len(text) + 1))
    return any(int("".join(str(int(char, 36)) for char in each)) % 97 == 1 for each in turned)


PERSONAL: dict[str, Callable[[str], bool]] = {
    "email": lambda text: bool(EMAIL.search(text)),
    "card": _has_card,
    "iban": _has_iban,
}
# kind -> the key of its setting, what that may be, and when it fires
KINDS: dict[str, tuple[str, type, Callable[[Any, str], bool]]] = {
    "regex": ("pattern", str, lambda pattern, text: bool(re.search(pattern, text))),
    "json-schema": (
        "schema",
        dict,
        lambda schema, text: not assertions.holds(text, {"type": "is-json", "value": schema}),
    ),
    "max_length": ("limit", int, lambda limit, text: len(text) > limit),
    "pii": ("find", list, _holds_personal_data),
    "blocklist": ("words", list, _holds_word),
}
