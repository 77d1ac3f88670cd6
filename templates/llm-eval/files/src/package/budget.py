"""What may be spent: asked before each call, with the calls in flight counted at the most they can cost."""

import threading
from dataclasses import dataclass

from . import parameters
from .models import Model


class Overspent(Exception):
    """The next call might cost more than is left."""


@dataclass(frozen=True)
class Price:
    """What a call costs at least and at most."""

    least: float
    most: float


def price(model: Model, messages: list[dict[str, str]]) -> Price:
    """The bounds before a call: no tokenizer makes more tokens than there are bytes, and few make a token of eight."""
    size = sum(len(each["content"].encode()) for each in messages)
    return Price(
        least=model.cost(size / 8, 0),
        most=model.cost(size + 16 * len(messages), model.max_tokens),
    )


class Budget:
    """Money and calls of a run, for all threads."""

    def __init__(self, given: parameters.Budget) -> None:
        self._given = given
        self._changed = threading.Condition()
        self._in_flight: list[float] = []
        self.usd = 0.0
        self.calls = 0

    def check(self, prices: list[Price]) -> None:
        """Before the first call: raises Overspent when these calls would certainly cost more."""
        least = sum(each.least for each in prices)
        if len(prices) > self._given.calls or least > self._given.usd:
            raise Overspent(
                f"{len(prices)} calls for at least {least:.4f} USD are needed, and {self._limit()}: none was made"
            )

    def reserve(self, price: Price) -> None:
        """Before a call: raises Overspent when it might be one too many; waits while those in flight decide that."""
        with self._changed:
            while self._in_flight and self.usd + sum(self._in_flight) + price.most > self._given.usd:
                self._changed.wait()
            if self.calls >= self._given.calls or self.usd + price.most > self._given.usd:
                raise Overspent(
                    f"{self.calls} calls cost {self.usd:.4f} USD, the next might be too much: {self._limit()}"
                )
            self.calls += 1
            self._in_flight.append(price.most)

    def settle(self, price: Price, cost: float) -> None:
        """After a call: what it did cost."""
        with self._changed:
            self._in_flight.remove(price.most)
            self.usd += cost
            self._changed.notify_all()

    def _limit(self) -> str:
        return f"the budget in params.yaml is {self._given.calls} calls and {self._given.usd} USD"
