"""What answers cost, and a budget that is not passed.

A budget counts what the request log has cost for this teacher and model, at today's prices, and what the
requests on their way may cost at most. The bound is exact where `max_tokens` is set; else a response is taken
to be as long as the longest one so far. What another process has on its way is not seen until it is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lamini.errors import UserError
from lamini.teacher.log import RequestLog
from lamini.teacher.prices import BATCHED, Prices
from lamini.teacher.protocol import Answer, Request
from lamini.teacher.stopping import Stopped
from lamini.teacher.worker_log import WorkerLog

UNSEEN = 1000  # response tokens to expect before the first response was seen


class UsedUp(Stopped):
    """What is left of the budget does not bear another request."""


class TooSmall(UserError):
    """The whole budget does not bear a request."""


def dollars(prices: Prices, prompt_tokens: float | None, response_tokens: float | None) -> float | None:
    """Price of so many tokens, or None where a price or a number of tokens is not known.

    >>> dollars(Prices(0.5, 1.5), 2_000_000, 1_000_000)
    2.5
    """
    if prices.prompt is None or prices.response is None or prompt_tokens is None or response_tokens is None:
        return None
    return (prompt_tokens * prices.prompt + response_tokens * prices.response) / 1e6


def spent(log: RequestLog | WorkerLog, kind: str, model: str, prices: Prices) -> float | None:
    """Dollars that this log's answers of a teacher cost at these prices; None where those are not known."""
    direct, batched = log.usage(kind, model), log.usage(kind, model, batched=True)
    prompt = direct.prompt_tokens + BATCHED * batched.prompt_tokens
    return dollars(prices, prompt, direct.response_tokens + BATCHED * batched.response_tokens)


def about_tokens(request: Request) -> int:
    """Prompt tokens of a request, rather too many than too few: one a three bytes of UTF-8, four a message.

    >>> from lamini.teacher.protocol import Message
    >>> about_tokens(Request((Message("user", "Name a colour."),)))  # 14 bytes
    9
    """
    return sum(4 + -(-len(m.content.encode("utf-8", "surrogatepass")) // 3) for m in request.messages)


class Expected:
    """How many tokens a request will take: the prompt by `prompt`, the response by what came before."""

    def __init__(self, prompt: Callable[[Request], int] = about_tokens) -> None:
        self.prompt, self.longest = prompt, 0

    def of(self, request: Request) -> tuple[int, int]:
        """Prompt tokens and the most response tokens to reckon with."""
        return self.prompt(request), request.sampling.max_tokens or self.longest or UNSEEN

    def learn(self, answer: Answer) -> None:
        """Remember the longest response."""
        self.longest = max(self.longest, answer.response_tokens or 0)


def check(usd: float | None, prices: Prices) -> None:
    """Refuse a budget that cannot be kept.

    Raises:
        UserError: it is no positive number of dollars, or prices are not known.
    """
    if usd is None:
        return
    if not 0 < usd < float("inf"):
        raise UserError(f"budget.usd={usd:g} must be a number of dollars above 0, or null")
    if dollars(prices, 0, 0) is None:
        raise UserError("budget.usd needs teacher.prices.prompt and teacher.prices.response to be known")


class Budget:
    """`usd` bounds `spent`, what the log has cost, plus what is reserved; None bounds nothing."""

    def __init__(self, usd: float | None, prices: Prices, spent: float = 0.0) -> None:
        """A budget in dollars.

        Raises:
            UserError: one that cannot be kept.
        """
        check(usd, prices)
        self.usd, self.prices, self.spent = usd, prices, spent
        self.reserved, self.reservations = 0.0, 0
        self._changed = asyncio.Event()

    def take(self, tokens: tuple[int, int]) -> float | None:
        """Reserve the price of so many prompt and response tokens, if it fits beside what is on its way."""
        price = dollars(self.prices, *tokens) or 0.0
        if not self._fits(price):
            return None
        self.reserved += price
        self.reservations += 1
        return price

    def _fits(self, price: float) -> bool:
        return self.usd is None or self.spent + self.reserved + price <= self.usd

    async def room(self, tokens: tuple[int, int]) -> None:
        """Wait until `take` may succeed.

        Raises:
            TooSmall: not even one request fits into the whole budget.
            UsedUp: it does not fit although nothing is on its way.
        """
        price = dollars(self.prices, *tokens) or 0.0
        if self.usd is not None and price > self.usd:
            raise TooSmall(
                f"budget.usd={self.usd:g} is below the price of one request, about ${price:.6f}: raise it, or"
                " bound the answer with sampling.max_tokens"
            )
        while not self._fits(price):
            if not self.reservations:
                raise UsedUp(
                    f"budget.usd={self.usd:g} does not bear another request (the log has cost"
                    f" ${self.spent:.4f}): raise it, and the same line continues"
                )
            self._changed.clear()
            await self._changed.wait()

    def settle(self, price: float, spent: float) -> None:
        """Give a reservation back; `spent` is what the log has cost by now."""
        self.reservations -= 1
        self.reserved = self.reserved - price if self.reservations else 0.0
        self.spent = spent
        self._changed.set()

    def check(self, answer: Answer) -> None:
        """Refuse what cannot be counted.

        Raises:
            UserError: the teacher does not tell its tokens.
        """
        if self.usd is not None and (answer.prompt_tokens is None or answer.response_tokens is None):
            raise UserError("the teacher does not tell how many tokens it used: set budget.usd=null")
