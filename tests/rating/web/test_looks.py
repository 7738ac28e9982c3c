"""How the page looks and what it lets in, in a real browser: hostile and foreign texts, phones, contrast.

Screenshots go to the test's temporary folder (`--basetemp=<folder>` keeps them).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lamini.rating.scales import scale_of
from lamini.rating.store import Store
from lamini.rating.study import Item, Study, Target, sealed
from tests.rating.small import study
from tests.rating.web.live import Live
from tests.web.chromium import chromium

pytestmark = pytest.mark.browser
OWNERS = ("one", "two", "three", "four")
HOSTILE = (
    "<script>window.hit = 1</script><img src=http://evil.example/a.png onerror='window.hit=1'>",
    "</textarea></div></article><svg onload=window.hit=1><iframe src=javascript:window.hit=1></iframe>",
    "![i](http://evil.example/b.png) [click](javascript:window.hit=1) <http://evil.example>\n\n**bold**",
    '```html"onmouseover=window.hit=1\n</code></pre><style>body{display:none}</style>\n```\n{{ 7*7 }}',
)
ARABIC = (
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645"
    ": 3 + 4 = 7 (\u0633\u0628\u0639\u0629)."
)
HEBREW = (
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd\nand a line in English.\n"
    "- \u05d0\u05d7\u05ea\n- \u05e9\u05ea\u05d9\u05d9\u05dd"
)
CHINESE = (
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002" * 40 + "\n\n\u3053\u3093\u306b\u3061\u306f\u3001\u4e16\u754c\u3002"
)
LONG = "a-very-long-word-without-a-space" * 300 + "\n" + "All work and no play. " * 4200
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (colour) => colour.slice(0, 3).map((v) => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = rgb(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    if (element.closest('.unseen, .jump, noscript')) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.data.trim().slice(0, 30)}`);
  }
  return poor;
}"""

FOCUS = """() => {
  const one = document.activeElement;
  const { top } = one.getBoundingClientRect();
  return [one.textContent.trim().slice(0, 20), top + scrollY, getComputedStyle(one).outlineStyle];
}"""


def of(texts: tuple[str, ...], instruction: str = "Say hello to the world.", items: int = 1) -> Study:
    """A study whose items have these responses."""
    targets = tuple(
        Target("", "response", (text,), (name,)) for text, name in zip(texts, OWNERS, strict=False)
    )
    rows = [Item("", f"id-{number}", "", instruction, targets) for number in range(items)]
    return sealed("responses", scale_of("responses"), rows)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


class Look:
    """A page, and all that it asked for."""

    def __init__(self, page: Any, live: Live) -> None:
        self.page, self.live = page, live
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))

    def join(self) -> Any:
        """Sign in as Ann."""
        self.page.goto(self.live.home)
        self.page.get_by_label("Your name").fill("Ann")
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".card.current")
        return self.page


@pytest.fixture
def look(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """look(study, viewport=...) -> a page on the first item."""
    ends: list[Any] = []

    def at(one: Study, width: int = 1280, height: int = 900, **how: Any) -> Look:
        live = Live(Store.create(tmp_path / "ratings.sqlite", one))
        ends.append(live.end)
        context = browser.new_context(viewport={"width": width, "height": height}, **how)
        ends.append(context.close)
        return Look(context.new_page(), live)

    yield at
    for end in reversed(ends):
        end()


def wide(page: Any) -> bool:
    """Whether anything reaches over the right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_hostile_answers_run_nothing_and_load_nothing(look: Any, tmp_path: Path) -> None:
    one = look(of(HOSTILE, instruction=HOSTILE[0]))
    page = one.join()
    page.keyboard.press("w")
    for key in "abcd":
        page.keyboard.press(key)
    page.wait_for_selector("#saved[data-state=saved]")
    page.mouse.move(400, 400)
    page.screenshot(path=tmp_path / "hostile.png", full_page=True)
    assert page.evaluate("window.hit") is None and one.said == []
    assert all(url.startswith(one.live.home) for url in one.asked)
    assert page.locator("main img, main a[href]:not(#after), main iframe, main script, main svg").count() == 0
    assert "{{ 7*7 }}" in page.locator("main").text_content()
    assert len(one.live.store.current()) == 4


def test_what_gets_through_all_the_same_cannot_run(look: Any) -> None:
    """The policy holds even if markup came into the page some other way."""
    one = look(study())
    page = one.join()
    page.evaluate("""() => {
      const frame = document.createElement('iframe'); frame.src = '/rate'; document.body.append(frame);
      const image = document.createElement('img'); image.src = 'http://evil.example/x.png';
      document.body.append(image);
      const script = document.createElement('script');
      try { script.textContent = 'window.hit = 1'; } catch {}
      try { script.append('window.hit = 1'); document.body.append(script); } catch {}
      try { document.body.innerHTML += '<b onclick=1>x</b>'; window.hit = 2; } catch {}
    }""")
    page.wait_for_timeout(200)
    assert page.evaluate("window.hit") is None
    assert any("evil.example" in words and "Content Security Policy" in words for words in one.said)


def test_right_to_left_east_asian_and_very_long_texts(look: Any, tmp_path: Path) -> None:
    page = look(of((ARABIC, HEBREW, CHINESE, LONG), instruction=ARABIC)).join()
    page.screenshot(path=tmp_path / "texts.png", full_page=True)
    assert not wide(page)
    directions = {}
    for card in page.locator(".card").all():
        text = card.locator(".text")
        directions[(text.locator("p").first.text_content() or "")[:5]] = text.evaluate(
            "element => getComputedStyle(element).direction"
        )
    assert directions == {ARABIC[:5]: "rtl", HEBREW[:5]: "rtl", CHINESE[:5]: "ltr", LONG[:5]: "ltr"}
    long = page.locator(".card", has_text="All work and no play")
    more = long.get_by_role("button", name="Show all")
    assert long.bounding_box()["height"] < 700
    more.click()
    assert long.bounding_box()["height"] > 5000 and not wide(page)
    page.keyboard.press("e")
    assert long.bounding_box()["height"] < 700
    assert more.text_content() == f"Show all {len(LONG):,} characters"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_text_stands_out(look: Any, tmp_path: Path, scheme: Any, width: int) -> None:
    texts = (
        "So **bold**, `code`.\n\n# Head\n\n```py\nx = 1\n```",
        "1. one\n2. two",
        "",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    )
    one = look(of(texts, items=4), width=width, color_scheme=scheme, reduced_motion="reduce")
    one.page.goto(one.live.home)
    assert one.page.evaluate(CONTRAST) == []
    page = one.join()
    for key in "asfd":
        page.keyboard.press(key)
    page.keyboard.press("n")
    page.screenshot(path=tmp_path / f"page-{scheme}-{width}.png")
    assert page.evaluate(CONTRAST) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.screenshot(path=tmp_path / f"help-{scheme}-{width}.png")
    assert page.evaluate(CONTRAST) == [] and not wide(page)


def test_a_phone(look: Any, tmp_path: Path) -> None:
    texts = tuple(f"Answer **{name}**. " + "It goes on for a while. " * 9 for name in OWNERS)
    one = look(of(texts), width=390, height=844, has_touch=True, is_mobile=True)
    page = one.join()
    for number in range(4):
        assert not wide(page)
        inside = (
            "box => { const r = box.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; }"
        )
        assert all(level.evaluate(inside) for level in page.locator("#levels li").all()), (
            "criteria are in view"
        )
        card = page.locator(".card.current")
        assert card.locator("h2").text_content() == f"Response {number + 1}"
        top = card.evaluate("card => card.getBoundingClientRect().top")
        assert top < page.locator(".scale").evaluate("scale => scale.getBoundingClientRect().top") - 60
        page.screenshot(path=tmp_path / f"phone-{number}.png")
        page.locator("#levels button").nth(number).tap()
    page.wait_for_selector("#saved[data-state=saved]")
    assert [rating.level for rating in one.live.store.current()].count("A") == 1
    small = "found => found.filter(b => b.offsetParent).map(b => Math.min(b.offsetWidth, b.offsetHeight))"
    assert min(page.locator(".letters button, #levels button").evaluate_all(small)) >= 40, "fingers are wide"
    page.get_by_role("button", name="Undo").tap()
    page.wait_for_selector("#saved[data-state=saved]")
    assert len(one.live.store.current()) == 3
    one.live.end()
    page.locator("#levels button").nth(1).tap()
    page.wait_for_selector("#saved[data-state=waiting]")
    page.screenshot(path=tmp_path / "phone-away.png")
    one.live.begin()
    page.get_by_role("button", name="Help").tap()
    page.get_by_label("All texts exactly as they were written").check()
    page.get_by_role("button", name="Back").tap()
    assert not page.locator(".card .drawn:visible").count() and page.locator(".written:visible").count() == 4
    page.get_by_role("button", name="Hide criteria").tap()
    page.screenshot(path=tmp_path / "phone-less.png")
    assert page.locator(".scale").bounding_box()["height"] < 140
    page.reload()
    page.get_by_role("button", name="Show criteria").tap()
    assert page.locator(".criteria").first.is_visible()


def test_the_scale_stays_in_view_beside_long_answers(look: Any) -> None:
    page = look(of(("word " * 2000,) * 4)).join()
    page.keyboard.press("e")
    page.mouse.wheel(0, 3000)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > 1000
    box = page.locator("#levels").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 900


def test_names_for_who_does_not_see(look: Any) -> None:
    page = look(study(items=2)).join()
    told = page.locator("body").aria_snapshot()
    for line in (
        'heading "Instruction" [level=1]',
        'article "Response 2"',
        'group "Level of response 2"',
        'button "D: Invalid"',
        'progressbar "Items finished"',
        'complementary "How good is this?"',
        'navigation "Items"',
        'link "To the responses"',
    ):
        assert line in told, told
    unnamed = """() => [...document.querySelectorAll('button, a, input:not([type=hidden]), textarea')]
      .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
      .map((one) => one.outerHTML)"""
    assert page.evaluate(unnamed) == []
    page.keyboard.press("n")
    assert page.get_by_label("Note on response 1").evaluate("box => box === document.activeElement")


def test_tab_goes_through_the_page_in_reading_order_and_shows_where_it_is(look: Any) -> None:
    page = look(study(items=1)).join()
    page.evaluate("document.activeElement.blur()")
    tops, seen = [], []
    for _ in range(9):
        page.keyboard.press("Tab")
        name, top, outline = page.evaluate(FOCUS)
        seen.append(name)
        tops.append(top)
        assert outline == "solid", name
    assert tops == sorted(tops)
    assert seen[0] == "To the responses" and "A" in seen and "Skip" in seen
    assert page.locator(".card.current").count() == 1
