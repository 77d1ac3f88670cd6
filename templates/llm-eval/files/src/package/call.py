"""Stage `call`: an answer to every request, from the recorded ones or from the model.

Ends with 2 when there is nothing to judge by: the budget is spent, too many answers could not be got, or one is not
recorded and there is no key. What was answered until then is kept.
"""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import cache, files, models, parameters, stub
from .budget import Budget, Overspent, price
from .client import CallError, Client, HopelessError, Stopped

SHOWN = 10
Asked = list[tuple[str, dict[str, Any], int]]


class Invalid(Exception):
    """The run cannot be judged by."""


def call(rendered: list[dict[str, Any]], model: models.Model, given: parameters.Parameters) -> list[dict[str, Any]]:
    """One row per request and repeat: the answer, or the error, or the guardrail that held it back."""
    asked = [
        (cache.key(model, request["messages"], repeat), request, repeat)
        for request in rendered
        for repeat in range(given.call.repeats)
        if not request["blocked"]
    ]
    with cache.Cache(files.RESPONSES) as known:
        missing = [each for each in asked if known.get(each[0]) is None]
        errors = _fetch(missing, known, model, given) if missing else {}
        if len(errors) > given.call.max_error_share * len(asked):
            first = next(iter(errors.values()))
            raise Invalid(
                f"{len(errors)} of {len(asked)} answers could not be got, more than call.max_error_share: {first}"
            )
        return [
            _row(request, repeat, known, errors, model) for request in rendered for repeat in range(given.call.repeats)
        ]


def _row(
    request: dict[str, Any],
    repeat: int,
    known: cache.Cache,
    errors: dict[str, str],
    model: models.Model,
) -> dict[str, Any]:
    row = {"id": request["id"], "repeat": repeat, "blocked": request["blocked"], "error": ""}
    key = cache.key(model, request["messages"], repeat)
    answer = known.get(key)
    if request["blocked"] or answer is None:
        return row | {"error": errors.get(key, "")}
    return row | answer | {"cost": model.cost(answer["tokens_in"], answer["tokens_out"])}


def _fetch(missing: Asked, known: cache.Cache, model: models.Model, given: parameters.Parameters) -> dict[str, str]:
    """Ask for what is not recorded; the errors by key."""
    key = os.environ.get(model.key_env, "").strip() if model.key_env else ""
    if not key.isascii() or not key.isprintable():
        raise Invalid(f"{model.key_env}: no key has such characters")
    if model.key_env and not key:
        names = sorted({request["id"] for _, request, _ in missing})
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise Invalid(
            f"{model.key_env} is not set, and answers are not recorded of {len(names)} cases: "
            f"{', '.join(names[:SHOWN])}{more}. Set it, or bring the recorded answers: dvc pull responses"
        )
    prices = [price(model, request["messages"]) for _, request, _ in missing]
    budget, errors = Budget(given.budget), dict[str, str]()
    budget.check(prices)
    most = sum(each.most for each in prices)
    print(f"{len(missing)} calls of {model.model}, for {most:.4f} USD at most")
    with _address(model) as base_url:
        client = Client(
            model,
            key=key,
            base_url=base_url,
            timeout=given.call.timeout,
            attempts=given.call.attempts,
        )

        def ask(job: tuple[tuple[str, dict[str, Any], int], Any]) -> None:
            (digest, request, repeat), bounds = job
            try:
                answer = client.ask(request["messages"], repeat, budget=budget, price=bounds)
                known.put(digest, dataclasses.asdict(answer))
            except CallError as error:
                errors[digest] = str(error)
            except Stopped:
                pass
            except BaseException:
                client.stop.set()
                raise

        with ThreadPoolExecutor(given.call.workers) as pool:
            try:
                waiting = [pool.submit(ask, job) for job in zip(missing, prices, strict=True)]
                for each in waiting:
                    each.result()
            finally:
                client.stop.set()
    print(f"{budget.calls} calls cost {budget.usd:.4f} USD")
    return errors


@contextlib.contextmanager
def _address(model: models.Model) -> Iterator[str]:
    if model.provider != "stub":
        yield model.base_url
        return
    with stub.serving() as port:
        yield f"http://127.0.0.1:{port}/v1"


def main() -> int:
    """Run the stage; what it ends with."""
    given, rendered = parameters.read(), files.read_jsonl(files.REQUESTS)
    try:
        if not rendered:
            raise Invalid(f"{files.REQUESTS}: no request")
        answers = call(rendered, models.read(rendered[0]["model"], files.MODELS), given)
    except (Invalid, Overspent, HopelessError) as error:
        print(f"call: {error}", file=sys.stderr)
        return 2
    files.write_jsonl(files.ANSWERS, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
