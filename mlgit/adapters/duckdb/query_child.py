"""The process that runs queries of strangers: a line of JSON for each, from the input, and one to the output.

It can write to no file, dumps no core, and has so much memory above what it begins with.
"""

from __future__ import annotations

import json
import os
import resource
from typing import IO, Any

from mlgit.adapters.duckdb import session
from mlgit.adapters.duckdb.session import QueryError, QueryRefusedError, Session

_MEMORY = 3 << 30
_CPU_SECONDS = 600


def main(asked: IO[str], answers: IO[str]) -> None:
    """Answer until nobody asks any more."""
    first = json.loads(asked.readline())
    # a query may ask for the first rows of an order, which lets pages be passed over by their bounds, too
    with session.opened(first["files"], threads=first["threads"], disabled=(*session.BELIEVERS, "top_n")) as duck:
        _bound()
        _say(answers, {})
        for line in asked:
            _say(answers, _answer(duck, json.loads(line)))


def _answer(duck: Session, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        duck.define(asked["quoted"], asked["relation"])
        return {"number": duck.number(asked["query"], tables={asked["table"]}, seconds=asked["seconds"])}
    except QueryError as error:
        return {"problem": error.message, "is_refused": isinstance(error, QueryRefusedError)}


def _say(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _bound() -> None:
    used = 0
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm", encoding="ascii") as stream:
            used = int(stream.read().split()[0]) * resource.getpagesize()
    for which, most in (
        (resource.RLIMIT_AS, used + _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
    ):
        _, hard = resource.getrlimit(which)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (least, least))


if __name__ == "__main__":
    with open(0, encoding="utf-8") as asked, open(1, "w", encoding="utf-8") as answers:
        main(asked, answers)
