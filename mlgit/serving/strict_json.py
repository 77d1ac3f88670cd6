"""JSON as clients of a server have to write it: one meaning, bounded depth, and nothing that another reader takes otherwise."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import orjson

from mlgit.serving.rows import RefusedRequestError

DEPTH = 64  # of objects and lists in each other
_NESTS = frozenset({dict, list})


def parse(body: bytes) -> Any:
    """What the text says. Raises RefusedRequestError for text that is no JSON (NaN, 1e999, half of a surrogate pair, a byte
    order mark, something behind its end), that says one key of an object twice, or that is deeper than 64.

    The message says where, and repeats nothing of the text.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedRequestError(f"the body is not JSON: line {error.lineno} column {error.colno}") from None
    colons = body.count(b":")
    # Each key has its colon. Most bodies are an object with some in it: if these explain all, any other object is empty.
    if colons == _keys_of_two(document) and body.count(b"[") <= DEPTH - 3:
        return document
    # A further colon is in a text, or a key's that was said before.
    if colons != _keys(document):
        _refuse_doubles(body)
    return document


def text(value: Any) -> bytes:
    """A value as JSON; numbers of numpy are numbers, and what is no number of JSON (NaN, infinity) is null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _keys_of_two(document: Any) -> int:
    """How many keys an object has, with those of the objects in it and in its lists."""
    if type(document) is not dict:
        return 0
    keys = len(document)
    for each in document.values():
        if type(each) is dict:
            keys += len(each)
        elif type(each) is list and each and type(each[0]) is dict:
            keys += sum([len(one) for one in each if type(one) is dict])
    return keys


def _keys(document: Any) -> int:
    """How many keys all objects of a document have. Raises RefusedRequestError for one that is too deep."""
    keys, level = 0, [document] if type(document) in _NESTS else []
    for _ in range(DEPTH):
        objects = [each for each in level if type(each) is dict]
        keys += sum(map(len, objects))
        lists: list[Any] = [each for each in level if type(each) is list]
        cells = list(chain(chain.from_iterable(map(dict.values, objects)), chain.from_iterable(lists)))
        if _NESTS.isdisjoint(map(type, cells)):
            return keys
        level = [each for each in cells if type(each) in _NESTS]
    raise RefusedRequestError(f"the body is nested deeper than {DEPTH} objects and lists")


def _refuse_doubles(body: bytes) -> None:
    """Raises RefusedRequestError if an object of this JSON, which is not too deep, has a key twice."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise RefusedRequestError("an object of the body has one key twice")

    json.loads(body, object_pairs_hook=once, parse_int=len, parse_float=len)
