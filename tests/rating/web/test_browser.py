"""The page in a real browser: rating by keyboard, undo, reload, an absent server, two raters, a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lamini.rating.records import Event
from lamini.rating.store import Store
from lamini.rating.study import Study
from tests.rating.small import study
from tests.rating.web.live import Live
from tests.web.chromium import chromium

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture
def live(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Live]:
    """A server with a study of four items, or the one of a parameter."""
    one: Study = getattr(request, "param", None) or study(items=4)
    server = Live(Store.create(tmp_path / "ratings.sqlite", one))
    yield server
    server.end()


@pytest.fixture
def rater(browser: Any, live: Live) -> Iterator[Open]:
    """rater("Ann") -> the page of a browser of her own, on her first item."""
    contexts = []

    def opened(name: str, **how: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **how})
        contexts.append(context)
        page = context.new_page()
        page.goto(live.home)
        page.get_by_label("Your name").fill(name)
        page.keyboard.press("Enter")
        page.wait_for_selector(".card.current")
        return page

    yield opened
    for context in contexts:
        context.close()


def cards(page: Any) -> list[str]:
    return [card.get_attribute("id") for card in page.locator(".card").all()]


def current(page: Any) -> int:
    """Place of the framed response."""
    return cards(page).index(page.locator(".card.current").get_attribute("id"))


def shown(page: Any) -> list[str | None]:
    """The level that each card shows."""
    levels = []
    for card in page.locator(".card").all():
        pressed = card.locator(".letters [aria-pressed=true]")
        levels.append(pressed.text_content() if pressed.count() else None)
    return levels


def saved(page: Any) -> None:
    """Wait until all is saved."""
    page.wait_for_selector("#saved[data-state=saved]")


def stored(live: Live) -> dict[str, str | None]:
    return {rating.target: rating.level for rating in live.store.current()}


def test_a_whole_item_by_keyboard(rater: Open, live: Live) -> None:
    page = rater("Ann")
    first = page.url
    keys = cards(page)
    assert current(page) == 0 and page.locator("#at").text_content() == "Response 1"
    page.keyboard.press("b")
    assert current(page) == 1 and page.evaluate("document.activeElement.id") == keys[1]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("D")
    assert current(page) == 1, "the one that was left out comes next"
    page.keyboard.press("k")
    assert current(page) == 0
    page.keyboard.press("j")
    page.keyboard.press("a")
    assert shown(page) == ["B", "A", "D"]
    assert page.evaluate("document.activeElement.id") == "after"
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != first)
    assert stored(live) == dict(zip(keys, ["B", "A", "D"], strict=True))
    assert page.locator(".where").text_content() == "Item 2 of 4"
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(first)
    assert shown(page) == ["B", "A", "D"]


def test_an_open_item_is_not_left_by_accident(rater: Open) -> None:
    page = rater("Ann")
    page.keyboard.press("a")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert current(page) == 1 and page.locator("#open").text_content() == "2 of 3 still open"
    assert "Skip what you cannot judge" in page.locator("#said").text_content()


def test_undo_and_change_keep_the_history(rater: Open, live: Live) -> None:
    page = rater("Ann")
    first, second, _ = cards(page)
    page.keyboard.press("a")
    page.keyboard.press("c")
    page.keyboard.press("u")
    assert shown(page) == ["A", None, None] and current(page) == 1
    page.keyboard.press("b")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("d")
    assert shown(page) == ["D", "B", None]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert shown(page) == ["A", None, None]
    saved(page)
    (ann,) = live.store.raters()
    assert [event.level for event in live.store.history(ann.id, first)] == ["A", "D", "A"]
    assert [event.level for event in live.store.history(ann.id, second)] == ["C", None, "B", None]
    assert stored(live) == {first: "A"}


def test_undo_goes_back_over_a_reload_and_to_the_item_before(rater: Open, live: Live) -> None:
    page = rater("Ann")
    first, keys = page.url, cards(page)
    for key in "abc":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != first)
    page.reload()
    page.keyboard.press("u")
    page.wait_for_url(lambda url: url.startswith(first))
    page.wait_for_selector(".card.current")
    assert shown(page) == ["A", "B", None] and current(page) == 2
    saved(page)
    assert stored(live) == {keys[0]: "A", keys[1]: "B"}


def test_reload_in_the_middle(rater: Open) -> None:
    page = rater("Ann")
    page.keyboard.press("c")
    page.keyboard.press("f")
    page.keyboard.press("n")
    page.keyboard.type("half a thought", delay=1)
    page.reload()
    page.wait_for_selector(".card.current")
    assert shown(page) == ["C", None, None] and current(page) == 1
    second = page.locator(".card").nth(1)
    assert second.locator("textarea").input_value() == "half a thought"
    assert second.locator("[data-do=flag]").get_attribute("aria-pressed") == "true"
    saved(page)


def test_a_server_that_is_away_costs_nothing(rater: Open, live: Live) -> None:
    page = rater("Ann")
    keys = cards(page)
    live.end()
    for key in "ab":
        page.keyboard.press(key)
    page.wait_for_selector("#saved[data-state=waiting]")
    assert page.locator("#saved").text_content().startswith("Not saved yet")
    page.keyboard.press("c")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert shown(page) == ["A", "B", "C"], "the page stays"
    live.begin()
    saved(page)
    assert stored(live) == dict(zip(keys, "ABC", strict=True))
    (ann,) = live.store.raters()
    assert all(len(live.store.history(ann.id, key)) == 1 for key in keys)


def test_a_crash_before_anything_was_sent(rater: Open, live: Live) -> None:
    page = rater("Ann")
    keys, context = cards(page), page.context
    page.route("**/ratings", lambda route: route.abort())
    page.keyboard.press("b")
    page.keyboard.press("d")
    page.close()
    assert stored(live) == {}
    again = context.new_page()
    again.goto(f"{live.home}/rate")
    again.wait_for_selector(".card.current")
    assert shown(again) == ["B", "D", None]
    saved(again)
    assert stored(live) == {keys[0]: "B", keys[1]: "D"}


def test_an_answer_that_was_lost_is_asked_for_again_and_counted_once(rater: Open, live: Live) -> None:
    page = rater("Ann")
    lost = []

    def lose(route: Any) -> None:
        if not lost:
            lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    page.route("**/ratings", lose)
    page.keyboard.press("a")
    page.wait_for_selector("#saved[data-state=waiting]")
    saved(page)
    (ann,) = live.store.raters()
    assert len(lost) == 1 and len(live.store.history(ann.id, cards(page)[0])) == 1


def test_two_raters_at_once(rater: Open, live: Live) -> None:
    ann, bob = rater("Ann"), rater("Bob")
    assert ann.url != bob.url
    for letter in "abc":
        ann.keyboard.press(letter)
        bob.keyboard.press("d")
    saved(ann)
    saved(bob)
    assert stored(live) == {**dict(zip(cards(ann), "ABC", strict=True)), **dict.fromkeys(cards(bob), "D")}
    bob.goto(ann.url)
    assert "somebody else's" in bob.locator("main").text_content()


def test_somebody_else_signs_in_in_another_tab(rater: Open, live: Live) -> None:
    page = rater("Ann")
    other = page.context.new_page()
    other.goto(live.home)
    other.get_by_role("button", name="Sign out").click()
    other.get_by_label("Your name").fill("Bob")
    other.keyboard.press("Enter")
    other.wait_for_selector(".card.current")
    page.keyboard.press("a")
    page.wait_for_selector("#saved[data-state=stopped]")
    assert "another sign-in" in page.locator("#saved").text_content()
    assert stored(live) == {}
    other.get_by_role("button", name="Help").click()
    other.get_by_role("button", name="Sign out").click()
    other.get_by_label("Your name").fill("Ann")
    other.keyboard.press("Enter")
    other.wait_for_selector(".card.current")
    saved(other)
    assert list(stored(live).values()) == ["A"], "what was kept for Ann is hers when she is back"


def test_pointer_skip_flag_note_and_taking_back(rater: Open, live: Live) -> None:
    page = rater("Ann")
    first = page.locator(".card").first
    first.get_by_role("button", name="B: Acceptable").click()
    assert shown(page)[0] == "B" and current(page) == 0, "a click stays where it was made"
    first.get_by_role("button", name="B: Acceptable").click()
    assert shown(page)[0] is None
    first.get_by_role("button", name="Skip").click()
    first.get_by_role("button", name="Flag").click()
    first.get_by_role("button", name="Note").click()
    page.keyboard.type("abcd u")
    page.keyboard.press("Escape")
    assert first.locator(".state").text_content() == "skipped, flagged"
    saved(page)
    (rating,) = live.store.current()
    assert (rating.level, rating.skipped, rating.flagged, rating.note) == (None, True, True, "abcd u")
    page.locator("#levels button").nth(3).click()
    assert shown(page)[0] == "D" and current(page) == 1, "the scale rates what is framed and moves on"


def test_help_and_switching_single_keys_off(rater: Open, live: Live) -> None:
    page = rater("Ann")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("a")
    page.get_by_label(re.compile("Single keys")).uncheck()
    page.keyboard.press("Escape")
    for key in "abu":
        page.keyboard.press(key)
    assert shown(page) == [None] * 3 and stored(live) == {}
    page.get_by_role("button", name="Help").click()
    page.get_by_label(re.compile("Single keys")).check()
    page.get_by_role("button", name="Back").click()
    page.keyboard.press("a")
    assert shown(page)[0] == "A"


def test_keys_of_another_layout_and_keys_held_down(rater: Open) -> None:
    page = rater("Ann")
    page.evaluate(
        """document.body.dispatchEvent(
          new KeyboardEvent('keydown', {key: '\u0444', code: 'KeyA', bubbles: true}))"""
    )
    assert shown(page) == ["A", None, None]
    page.keyboard.down("b")
    page.keyboard.down("b")  # playwright marks it as a repeat
    assert shown(page) == ["A", "B", None]


@pytest.mark.parametrize("live", [study("preference", items=2)], indirect=True)
def test_preference_by_keyboard(rater: Open, live: Live) -> None:
    page = rater("Ann")
    assert page.locator(".card").first.locator(".beside section").count() == 2
    for key in "12t":
        page.keyboard.press(key)
    saved(page)
    assert stored(live) == dict(zip(cards(page), "12T", strict=True))


@pytest.mark.parametrize("live", [study("pairs", items=2)], indirect=True)
def test_pairs_by_keyboard(rater: Open, live: Live) -> None:
    page = rater("Ann")
    assert [title.text_content() for title in page.locator(".card h2").all()] == [
        "The instruction by itself", "Response",
    ]  # fmt: skip
    for key in "ab":
        page.keyboard.press(key)
    saved(page)
    assert stored(live) == dict(zip(cards(page), "AB", strict=True))


def test_the_way_to_the_end_and_back(rater: Open, live: Live) -> None:
    page = rater("Ann")
    for _ in range(4):
        url = page.url
        for key in "abc":
            page.keyboard.press(key)
        page.keyboard.press("ArrowRight")
        page.wait_for_url(lambda now, before=url: now != before)
    assert page.url.endswith("/done") and len(stored(live)) == 12
    page.get_by_role("link", name="Item 2").click()
    page.wait_for_selector(".card.current")
    assert shown(page) == ["A", "B", "C"]


def test_a_study_that_is_closed_meanwhile(rater: Open, live: Live) -> None:
    page = rater("Ann")
    live.store.close_study(1.0)
    page.keyboard.press("a")
    page.wait_for_selector("#saved[data-state=stopped]")
    assert "closed" in page.locator("#saved").text_content() and stored(live) == {}


def test_seconds_count_while_the_page_is_in_view(rater: Open, live: Live) -> None:
    page = rater("Ann")
    page.wait_for_timeout(700)
    page.keyboard.press("a")
    page.keyboard.press("b")
    saved(page)
    (ann,) = live.store.raters()
    seconds = [live.store.history(ann.id, key)[0].seconds for key in cards(page)[:2]]
    assert 0.6 <= seconds[0] < 20 and seconds[1] < seconds[0]
    assert isinstance(live.store.history(ann.id, cards(page)[0])[0], Event)
