"""The routes: coming in, seeing one's own items and nothing else, and ratings that are saved once."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.rating.assignment import order
from lamini.rating.store import Store
from lamini.rating.web.sessions import Sessions, hash_of
from tests.rating.small import study
from tests.rating.web.visitor import SECRET, Visitor, found, site


def test_one_rater_from_the_name_to_the_thanks(tmp_path: Path) -> None:
    store, app = site(tmp_path, study(items=2))
    ann = Visitor(app, "Ann")
    assert found(r"Item (\d+)</strong> of (\d+)", ann.page) == [("1", "2")]
    ann.rate_all("B")
    assert found(r"Item (\d+)</strong> of (\d+)", ann.page) == [("2", "2")]
    ann.rate_all("C")
    assert "Thank you, Ann" in ann.page and len(found(r'href="/rate/i', ann.page)) == 2
    assert sorted(rating.level or "" for rating in store.current()) == ["B"] * 3 + ["C"] * 3
    assert all(rating.seconds == 2.0 and rating.at > 1e9 for rating in store.current())


def test_targets_come_in_this_raters_order_and_stay_there(tmp_path: Path) -> None:
    store, app = site(tmp_path, study(items=1, raters_per_item=9, overlap=1.0))
    (item,) = store.study.items
    seen = set()
    for name in ("Ann", "Bob", "Cy", "Di", "Ed", "Flo"):
        visitor = Visitor(app, name)
        keys = [target.key for target in order(store.study, item, name)]
        assert visitor.targets == keys
        assert found(r'class="card" id="([^"]+)"', visitor.client.get("/rate").text) == keys
        seen.add(tuple(keys))
    assert len(seen) > 1


def test_what_was_said_is_there_after_a_reload(tmp_path: Path) -> None:
    _, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    first, second, third = ann.targets
    ann.rate("D", target=first, note='a <b>\n"note" & more', flagged=True)
    ann.rate(None, target=second, skipped=True)
    ann.rate("A", target=third)
    ann.rate(None, target=third)
    page = ann.client.get(f"/rate/{ann.item}").text
    states = found(r'data-level="(\w*)" data-skipped="(\w*)" data-flagged="(\w*)"', page)
    assert states == [("D", "", "yes"), ("", "yes", ""), ("", "", "")]
    assert "a &lt;b&gt;\n&#34;note&#34; &amp; more</textarea>" in page


def test_changing_a_rating_keeps_the_first_and_repeating_a_post_counts_once(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    event = ann.event(level="A")
    assert [ann.post(event).json() for _ in range(3)] == [
        {"saved": True, "new": True}, {"saved": True, "new": False}, {"saved": True, "new": False},
    ]  # fmt: skip
    ann.rate("B")
    (rater,) = store.raters()
    assert [one.level for one in store.history(rater.id, ann.targets[0])] == ["A", "B"]
    assert [one.level for one in store.current()] == ["B"]
    assert ann.post({**event, "level": "C"}).status_code == 400, "an id of another rating"


def test_progress(tmp_path: Path) -> None:
    _, app = site(tmp_path, study(items=4))
    ann = Visitor(app, "Ann")
    assert ann.client.get("/progress").json() == {"finished": 0, "share": 4, "left": ""}
    for _ in range(3):
        ann.rate_all()
    assert ann.client.get("/progress").json() == {"finished": 3, "share": 4, "left": "about a minute left"}


def test_items_of_others_are_closed_to_one(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    ann, bob = Visitor(app, "Ann"), Visitor(app, "Bob")
    assert ann.item != bob.item
    ann.rate("D", note="only Ann knows")
    assert bob.client.get(f"/rate/{ann.item}").status_code == 403
    assert bob.rate("A", item=ann.item, target=ann.targets[0]).status_code == 403
    assert bob.rate("A", target=ann.targets[0]).status_code == 404
    assert bob.rate("A", item="i0000000000000000").status_code == 404
    assert bob.client.get("/rate/i0000000000000000").status_code == 404
    assert [rating.level for rating in store.current()] == ["D"]
    for path in ("/", "/rate", f"/rate/{bob.item}", "/done", "/progress"):
        page = bob.client.get(path).text
        assert "Ann" not in page and "only Ann knows" not in page


def test_a_shared_item_shows_nobody_what_the_other_said(tmp_path: Path) -> None:
    _, app = site(tmp_path, study(items=1, overlap=1.0))
    ann, bob = Visitor(app, "Ann"), Visitor(app, "Bob")
    assert ann.item == bob.item
    ann.rate("D", note="only Ann knows", flagged=True)
    page = bob.client.get("/rate").text
    assert "only Ann knows" not in page and 'data-level="D" data-skipped' not in page
    assert 'data-flagged="yes"' not in page


def test_who_is_not_signed_in_sees_and_saves_nothing(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    ann, nobody = Visitor(app, "Ann"), Visitor(app)
    for path in ("/rate", f"/rate/{ann.item}", "/done"):
        answer = nobody.client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert nobody.client.get("/progress").status_code == 401
    nobody.page += ann.page
    assert nobody.rate("A").status_code == 403, "with a form token that is somebody else's"
    nobody.client.cookies.clear()
    assert nobody.rate("A").status_code == 401
    assert store.current() == []


def test_a_page_of_another_sign_in_cannot_post(tmp_path: Path) -> None:
    """Bob signs in where Ann's page is still open: her rating does not become his."""
    store, app = site(tmp_path, study(items=1, overlap=1.0))
    ann = Visitor(app, "Ann")
    old = ann.event(), ann.form
    ann.page = ann.client.get("/").text
    assert "This page is for <strong>Ann</strong>" in ann.page
    ann.page = ann.join(name="Bob").text
    answer = ann.post(old[0], **{"x-form-token": old[1]})
    assert answer.status_code == 403 and store.current() == []
    assert ann.rate("B").json()["saved"] is True


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_rating_is_json_and_a_form_of_another_page_is_none(tmp_path: Path, kind: str) -> None:
    _, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    assert ann.post(ann.event(), **{"content-type": kind}).status_code == 415


def test_a_post_that_is_no_rating(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    assert ann.rate("E").json() == {"error": "level is none of A, B, C, D."}
    assert ann.post([]).status_code == 400
    assert ann.rate("A", note="x" * 2001).status_code == 400
    assert ann.rate("A", note="\U0001f600"[:1] * 2000).status_code == 200
    assert len(store.current()) == 1


def test_names(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    Visitor(app, "Ann")
    again = Visitor(app, "  aNN ")
    assert "You are Ann." in again.page and len(store.raters()) == 1
    for name in ("", "   ", "x" * 101, "a\x07b"):
        visitor = Visitor(app)
        answer = visitor.join(name=name)
        assert answer.status_code == 422 and 'role="alert"' in answer.text
    visitor = Visitor(app)
    assert visitor.client.post("/join", data={"name": "Eve"}).status_code == 403
    store.join("some-model", kind="judge")
    assert visitor.join(name="some-model").status_code == 422
    assert len(store.raters()) == 2
    hostile = Visitor(app, "<script>alert(1)</script>")
    assert "<script>alert" not in hostile.page and "You are &lt;script&gt;" in hostile.page


def test_a_cookie_of_a_rater_who_is_another_now(tmp_path: Path) -> None:
    """The ratings were begun anew, the secret is the same, and the first rater is somebody else."""
    (tmp_path / "new").mkdir()
    _, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    store, app = site(tmp_path / "new", study())
    store.join("Bob")
    again = Visitor(app)
    again.client.cookies = ann.client.cookies
    assert again.client.get("/rate", follow_redirects=False).headers["location"] == "/"
    assert ann.form and again.client.get("/progress").status_code == 401


def test_leaving(tmp_path: Path) -> None:
    _, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    assert ann.client.post("/leave", data={"form": "wrong"}).status_code == 403
    assert "Begin" in ann.client.post("/leave", data={"form": ann.form}).text
    assert ann.client.get("/rate", follow_redirects=False).headers["location"] == "/"


def test_links(tmp_path: Path) -> None:
    store, app = site(tmp_path, study(), by_link=True)
    token = Sessions(SECRET, store.study.digest).link_token("Ann")
    store.join("Ann", hash_of(token))
    visitor = Visitor(app)
    assert "open the link" in visitor.page and 'name="name"' not in visitor.page and "Ann" not in visitor.page
    assert visitor.client.get(f"/join/{token[:-1]}").status_code == 404
    visitor.page = visitor.client.get(f"/join/{token}").text
    assert visitor.client.get("/rate", follow_redirects=False).headers["location"] == "/", (
        "a look is no sign-in"
    )
    wrong = visitor.join(token=token[::-1])
    assert wrong.status_code == 422 and "not valid" in wrong.text
    visitor.page = visitor.join(token=token).text
    assert "You are Ann." in visitor.page and visitor.rate("A").json()["saved"] is True


def test_where_links_are_needed_no_name_comes_in(tmp_path: Path) -> None:
    store, app = site(tmp_path, study(), by_link=True)
    old = store.join("Old")  # by name, in a session before
    visitor = Visitor(app)
    form = Sessions(SECRET, store.study.digest)
    visitor.page = f'name="form" value="{found_form(form, visitor)}"'
    assert visitor.join(name="Ann").status_code == 422
    cookie = form.cookie(form.new(old))
    visitor.client.cookies.set(form.cookie_name, cookie)
    assert visitor.client.get("/rate", follow_redirects=False).headers["location"] == "/"


def found_form(sessions: Sessions, visitor: Visitor) -> str:
    """The form token of a page that shows no form."""
    session = sessions.read(visitor.client.cookies[sessions.cookie_name])
    assert session is not None
    return sessions.form_token(session)


def test_a_rater_with_a_link_is_not_joined_by_name(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    store.join("Ann", hash_of("token"))
    answer = Visitor(app).join(name="ann")
    assert answer.status_code == 422 and "Open the link" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/static/../rate.css", "/static/..%2f..%2fdesk.py", "/static/%2e%2e/app.py", "/static//etc/passwd",
     "/static/rate.css%00", "/rate/..%2f..%2fetc%2fpasswd", "/join/../../x",
     "/templates/rate.html", "/static/"],
)  # fmt: skip
def test_no_path_of_a_request_reaches_a_file(tmp_path: Path, path: str) -> None:
    _, app = site(tmp_path, study())
    answer = Visitor(app, "Ann").client.get(path)
    assert answer.status_code in (404, 403) and "root:" not in answer.text and "import" not in answer.text


def test_own_files(tmp_path: Path) -> None:
    _, app = site(tmp_path, study())
    client = Visitor(app).client
    kinds = {
        "base.css": "text/css",
        "rate.css": "text/css",
        "rate.js": "text/javascript",
        "queue.js": "text/javascript",
        "icon.svg": "image/svg",
    }
    for name, kind in kinds.items():
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
        again = client.get(f"/static/{name}", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304 and again.content == b""


def test_a_closed_study(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    event = ann.event()
    store.close_study(1.0)
    assert ann.post(event).status_code == 409
    for path in ("/rate", f"/rate/{ann.item}", "/done"):
        assert "The study is closed" in ann.client.get(path).text
    assert store.current() == []


def test_a_disk_that_is_full_is_told_without_naming_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    full = UserError(f"{store.path} cannot be written: the disk is full")

    def refuse(*_: Any) -> bool:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(Store, "rate", refuse)
        event = ann.event()
        answers = [ann.post(event) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {503}
    assert "tries again" in answers[0].json()["error"] and str(tmp_path) not in answers[0].text
    assert capsys.readouterr().err.count("the disk is full") == 1, "told once, to who runs the server"
    assert ann.post(event).json() == {"saved": True, "new": True}


def test_pages_show_every_sheet(tmp_path: Path) -> None:
    titles = {
        "responses": ["Response 1", "Response 2", "Response 3"],
        "pairs": ["The instruction by itself", "Response"],
        "hallucination": ["Response 1", "Response 2", "Response 3"],
        "preference": ["Pair 1", "Pair 2", "Pair 3"],
    }
    for sheet, expected in titles.items():
        (tmp_path / sheet).mkdir()
        store, app = site(tmp_path / sheet, study(sheet, items=1))
        page = Visitor(app, "Ann").page
        assert found(r'data-title="([^"]+)"', page) == expected
        for level in store.study.scale.levels:
            assert level.criteria in page and f'aria-keyshortcuts="{level.letter}"' in page


def test_each_rating_is_on_disk_when_it_is_acknowledged(tmp_path: Path) -> None:
    store, app = site(tmp_path, study())
    ann = Visitor(app, "Ann")
    ann.rate("C")
    with sqlite3.connect(f"file:{store.path}?mode=ro", uri=True) as other:
        assert other.execute("SELECT level FROM events").fetchall() == [("C",)]
