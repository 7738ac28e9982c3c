"""The page in a real browser: keyboard, words as they come, a stop, hostile answers, a phone, dark."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lamini.chatting import rounds as module
from lamini.chatting.app import Defaults, build
from lamini.chatting.asking import Question
from lamini.chatting.rounds import Rounds
from lamini.chatting.streaming import Answer
from tests.chatting.speaking import alone
from tests.web.chromium import chromium
from tests.web.live import Served

pytestmark = pytest.mark.browser
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\n"
    "\u202eabc [a](javascript:1)"
)
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture
def opened(browser: Any, rounds: Rounds) -> Iterator[Callable[..., Any]]:
    """opened(size="phone", color_scheme="dark") -> the page; what it logs as an error fails the test."""
    live, contexts, errors = Served(lambda hosts: build(rounds, hosts, Defaults(24, 0.0))), [], list[str]()

    def page_of(size: str = "desk", **how: Any) -> Any:
        context = browser.new_context(viewport=SIZES[size], **how)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request", lambda request: errors.append(request.url) if live.home not in request.url else None
        )
        page.goto(live.home)
        until(page, "document.getElementById('memory').textContent.startsWith('2 of 2')")
        return page

    yield page_of
    for context in contexts:
        context.close()
    live.end()
    assert errors == []


class Spoken:
    """In place of the students: each says the words that the test releases."""

    def __init__(self) -> None:
        self.words = threading.Semaphore(0)
        self.text = "one two three four"
        self.stopped = threading.Event()

    def __call__(self, student: Any, question: Question, tell: Any, stopped: Callable[[], bool]) -> Answer:
        said = ""
        for word in self.text.split(" "):
            while not self.words.acquire(timeout=0.02):
                if stopped():
                    self.stopped.set()
                    return Answer(said, 1, 0.5, "stopped", False)
            said = f"{said} {word}".strip()
            tell(said)
        return Answer(said, 4, 0.5, "whole", False)


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Spoken:
    one = Spoken()
    monkeypatch.setattr(module, "answer", one)
    return one


def until(page: Any, expression: str, seconds: float = 20.0) -> None:
    """Wait for it; the page's own policy forbids playwright to do so inside."""
    ends = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < ends, f"{expression} did not come true"
        page.wait_for_timeout(20)


def finished(page: Any, cards: int = 2) -> None:
    until(page, f"document.querySelectorAll('.round:first-child .card[data-end]').length == {cards}")


def answers(page: Any) -> list[str]:
    """Of the last round."""
    return [one.text_content() for one in page.locator(".round").first.locator(".answer").all()]


def test_a_prompt_is_answered_by_all_side_by_side(opened: Callable[..., Any], rounds: Rounds) -> None:
    page = opened()
    assert page.evaluate("document.activeElement.id") == "prompt"
    page.keyboard.type("Name one colour.")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Only one.")
    page.keyboard.press("Enter")
    finished(page)
    wanted = [alone(one, "Name one colour.\nOnly one.") for one in rounds.speakers.all.values()]
    assert answers(page) == wanted
    assert page.locator(".card h3 .name").all_text_contents() == ["a-gpt2", "b-t5"]
    assert page.locator(".card h3 .mark").count() == 1, "from scratch"
    assert "tokens/s" in page.locator(".card .end").first.text_content()
    assert page.locator(".round h2").text_content() == "Name one colour.\nOnly one."
    boxes = [one.bounding_box() for one in page.locator(".card").all()]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    assert page.locator("#status").text_content() == "2 of 2 have answered"


def test_words_are_shown_as_they_come(opened: Callable[..., Any], spoken: Spoken) -> None:
    page = opened()
    page.locator("#students input").last.uncheck()
    page.locator("#prompt").fill("Count")
    page.keyboard.press("Enter")
    page.locator("#prompt").press("Enter")  # nothing: a round is under way
    for shown in ("one", "one two", "one two three"):
        spoken.words.release()
        until(page, f"document.querySelector('.answer')?.textContent == '{shown}'")
        assert page.locator(".card").get_attribute("aria-busy") == "true"
    spoken.words.release()
    finished(page, 1)
    assert page.locator(".round").count() == 1
    assert page.locator(".card .end").text_content() == "4 tokens in 500 ms, 8 tokens/s"


@pytest.mark.parametrize("how", ["key", "button", "closed tab"])
def test_a_stop_ends_what_is_under_way_and_keeps_what_was_said(
    opened: Callable[..., Any], spoken: Spoken, how: str
) -> None:
    page = opened()
    assert page.locator("#stop").is_disabled()
    page.locator("#prompt").fill("Count")
    page.keyboard.press("Enter")
    spoken.words.release(2)
    until(page, "[...document.querySelectorAll('.answer')].some((one) => one.textContent)")
    before = "".join(answers(page))
    if how == "key":
        page.keyboard.press("Escape")
    elif how == "button":
        page.locator("#stop").click()
    else:
        page.close()
    assert spoken.stopped.wait(5), "the students stop, too"
    if how == "closed tab":
        return
    until(page, "document.querySelectorAll('[aria-busy=true]').length == 0")
    assert "".join(answers(page)).startswith(before)
    assert page.locator(".card .end").all_text_contents() == ["stopped", "stopped"]
    assert page.locator("#status").text_content() == "Stopped"
    assert page.locator("#send").is_enabled() and page.evaluate("document.activeElement.id") == "prompt"


def test_hostile_answers_are_text(opened: Callable[..., Any], spoken: Spoken) -> None:
    page, spoken.text = opened(), HOSTILE
    spoken.words.release(100)
    page.locator("#prompt").fill(HOSTILE)
    page.keyboard.press("Enter")
    finished(page)
    assert answers(page) == [HOSTILE, HOSTILE]
    assert page.title() == "Ask the students"
    assert page.locator("#rounds img, #rounds script, #rounds a").count() == 0


def test_prompts_before_come_back_with_the_arrow(opened: Callable[..., Any]) -> None:
    page = opened()
    for prompt in ("First", "Second"):
        page.locator("#prompt").fill(prompt)
        page.keyboard.press("Enter")
        finished(page)
        page.wait_for_selector("#send:enabled")
    assert page.locator(".round h2").all_text_contents() == ["Second", "First"], "the last round on top"
    page.locator("#prompt").fill("")
    seen = []
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
        seen.append(page.locator("#prompt").input_value())
    assert seen == ["Second", "First", "First", "Second", ""]
    page.locator("#prompt").fill("a text of my own")
    page.keyboard.press("ArrowUp")
    assert page.locator("#prompt").input_value() == "a text of my own"
    page.locator(".round").last.get_by_role("button", name="Ask again").click()
    assert page.locator("#prompt").input_value() == "First"


def test_who_answers_is_chosen_by_keyboard(opened: Callable[..., Any]) -> None:
    page = opened()
    page.locator("#toggle").press("Enter")
    assert (
        page.locator("#students :checked").count() == 0
        and page.locator("#toggle").text_content() == "Everybody"
    )
    page.locator("#prompt").fill("Hi")
    page.keyboard.press("Enter")
    assert page.locator("#trouble").text_content() == "Nobody is asked; choose a student."
    page.locator("#students input").last.press("Space")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "prompt"
    page.keyboard.press("Enter")
    finished(page, 1)
    assert page.locator(".card h3 .name").all_text_contents() == ["b-t5"]
    assert page.locator("#trouble").is_hidden()


def test_numbers_that_cannot_be_are_not_sent(opened: Callable[..., Any]) -> None:
    page = opened()
    page.locator("#prompt").fill("Hi")
    page.locator("#tokens").fill("0")
    page.locator("#prompt").press("Enter")
    assert page.evaluate("document.activeElement.id") == "tokens" and page.locator(".round").count() == 0
    page.locator("#tokens").fill("3")
    page.locator("#temperature").fill("1.5")
    page.locator("#prompt").press("Enter")
    finished(page)
    ends = page.locator(".card .end").all_text_contents()
    assert all(int(end.split()[0]) <= 3 for end in ends)


def test_a_server_that_went_away_is_told(opened: Callable[..., Any]) -> None:
    page = opened()
    page.route("**/answers", lambda route: route.abort())
    page.locator("#prompt").fill("Hi")
    page.keyboard.press("Enter")
    page.wait_for_selector("#trouble:not([hidden])")
    assert "is chat.py still running?" in page.locator("#trouble").text_content()
    assert page.locator("#send").is_enabled() and page.locator("#prompt").input_value() == "Hi"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_it_fits_and_can_be_read(
    opened: Callable[..., Any], spoken: Spoken, size: str, scheme: str, tmp_path: Path
) -> None:
    page = opened(size, color_scheme=scheme)
    spoken.text = "x" * 300 + " a word \n\n    and code" + " word" * 40
    spoken.words.release(1000)
    page.locator("#prompt").fill("y" * 200 + " a prompt")
    page.keyboard.press("Enter")
    finished(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= SIZES[size]["width"], "no sideways scroll"
    for selector in (".answer", ".end", "#memory", ".about", "label:has(#tokens)", ".asked h2", "#send"):
        assert contrast(page, selector) >= 4.5, selector
    for one in page.locator("button:visible, input[type=number]").all():
        assert one.bounding_box()["height"] >= 34
    boxes = [one.bounding_box() for one in page.locator(".card").all()]
    assert (boxes[0]["y"] == boxes[1]["y"]) == (size == "desk")


def contrast(page: Any, selector: str) -> float:
    """Of the first such element's text to what it stands on (WCAG 2)."""
    found: float = page.locator(selector).first.evaluate(
        """(one) => {
          const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
          const style = (one) => getComputedStyle(one);
          const light = ([r, g, b]) => [r, g, b]
            .map((c) => c / 255).map((c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
            .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
          let behind = one;
          while ((channels(style(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
          const pair = [style(one).color, style(behind).backgroundColor].map(channels).map(light);
          return (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
        }"""
    )
    return found
