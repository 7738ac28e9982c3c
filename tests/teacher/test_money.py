"""Prices, estimates, and a budget that is not passed."""

from __future__ import annotations

import asyncio
import doctest
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.teacher import money
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.money import Budget, Expected, about_tokens, dollars, spent
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Answer, Message, Request
from lamini.teacher.stopping import Stopped
from tests.teacher.scripted import question


def test_the_examples_of_the_documentation() -> None:
    assert doctest.testmod(money).failed == 0 < doctest.testmod(money).attempted


def test_what_is_not_known_has_no_price() -> None:
    assert dollars(Prices(0.5, 1.5), 2_000_000, 1_000_000) == 2.5
    assert dollars(Prices(0.0, 0.0), 5, 5) == 0.0
    for prices, tokens in (
        (Prices(None, 1.0), (1, 1)), (Prices(1.0, None), (1, 1)),
        (Prices(1.0, 1.0), (None, 1)), (Prices(1.0, 1.0), (1, None)),
    ):  # fmt: skip
        assert dollars(prices, *tokens) is None


def test_the_log_costs_its_tokens_at_any_prices_and_half_of_them_in_batches(tmp_path: Path) -> None:
    with RequestLog(tmp_path / "log") as log:
        for text, batched in (("a", False), ("b", True)):
            request, answer = question(text), Answer("x", "stop", 1_000_000, 2_000_000, "m")
            log.put([Row(request.key("k", "m"), "k", "m", request, Entry(answer), batched=batched)])
        assert spent(log, "k", "m", Prices(1.0, 10.0)) == pytest.approx(21 + 10.5)
        assert spent(log, "k", "m", Prices(2.0, 0.0)) == pytest.approx(2 + 1)
        assert spent(log, "k", "m", Prices(None, 1.0)) is None
        assert spent(log, "k", "other", Prices(1.0, 1.0)) == 0


def test_prompts_are_estimated_from_their_bytes() -> None:
    assert about_tokens(Request((Message("user", "Name a colour."),))) == 4 + 5
    assert about_tokens(Request((Message("system", "日本"), Message("user", "")))) == 4 + 2 + 4
    assert about_tokens(Request((Message("user", "\ud800"),))) == 4 + 1


def test_responses_are_reckoned_with_what_bounds_them() -> None:
    expected = Expected(lambda request: 7)
    assert expected.of(question("a", max_tokens=30)) == (7, 30)
    assert expected.of(question("a")) == (7, money.UNSEEN)
    for tokens in (12, 40, 5, None):
        expected.learn(Answer("", "stop", 1, tokens, "m"))
    assert expected.of(question("a")) == (7, 40)
    assert expected.of(question("a", max_tokens=30)) == (7, 30)


@settings(deadline=None)
@given(
    usd=st.integers(10, 200),
    jobs=st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), min_size=1, max_size=60),
)
def test_spent_and_reserved_never_pass_the_budget(usd: int, jobs: list[tuple[int, float]]) -> None:
    """Each job reserves some dollars and takes a share of them; who finds no room waits or ends it all."""

    async def run() -> None:
        budget, cost = Budget(usd, Prices(1e6, 1e6)), 0.0

        async def one(most: int, share: float) -> None:
            nonlocal cost
            while (price := budget.take((most, 0))) is None:
                await budget.room((most, 0))
            assert price == most and budget.spent + budget.reserved <= usd + 1e-9
            await asyncio.sleep(0)
            cost += most * share
            budget.settle(price, cost)

        results = await asyncio.gather(*(one(*job) for job in jobs), return_exceptions=True)
        assert all(result is None or isinstance(result, Stopped) for result in results)
        assert cost <= usd + 1e-9 and budget.reservations == 0
        if any(isinstance(result, Stopped) for result in results):
            assert cost + 9 > usd  # it stopped only where a request might not have fitted

    asyncio.run(run())


def test_without_a_budget_nothing_waits() -> None:
    async def run() -> None:
        budget = Budget(None, Prices(None, None))
        await budget.room((10**9, 10**9))
        assert budget.take((10**9, 10**9)) == 0.0
        budget.settle(0.0, 0.0)
        budget.check(Answer("", "stop", None, None, "m"))

    asyncio.run(run())


@pytest.mark.parametrize("usd", [0.0, -1.0, float("nan"), float("inf")])
def test_an_absurd_budget_is_refused(usd: float) -> None:
    with pytest.raises(UserError, match=r"budget\.usd=.* must be a number of dollars above 0, or null"):
        money.check(usd, Prices(1.0, 1.0))
