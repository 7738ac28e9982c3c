"""The routes: who comes in, what they see, what they post.

    GET  /                  a form to join by name, or the word that a link is needed; it lists nothing
    GET  /join/<token>      a rater's own link; only the button on it signs in, so previews of a chat do not
    POST /join  /leave      sign in and out
    GET  /rate  /rate/<key> the item at hand, or one of the rater's own; others are refused
    POST /ratings           one rating as JSON, answered when it is on disk
    GET  /progress          how far the rater is, as JSON
    GET  /done              nothing is left for now, or the study is closed
    GET  /static/<name>     style, script and icon

Undoing is a rating like any other, so there is no route for it: it has an id of its own and waits in the same
queue when the server is away.
"""

from __future__ import annotations

import sys
import threading
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lamini.errors import UserError
from lamini.rating.assignment import order
from lamini.rating.store import Rater, Refused, Store
from lamini.rating.study import Item
from lamini.rating.web.desk import Desk
from lamini.rating.web.pages import cards, page
from lamini.rating.web.posting import Unfit, event_from
from lamini.rating.web.sessions import DAYS, Session, Sessions, rater_of
from lamini.rating.web.text import shown
from lamini.web.gate import Gate, Hosts
from lamini.web.static import Static

STATIC = Static("lamini.rating.web", ("rate.css", "rate.js", "memory.js", "queue.js"))
AWAY = "The server cannot save just now; the page keeps your rating and tries again."


def build(store: Store, secret: bytes, hosts: Hosts, by_link: bool) -> ASGIApp:
    """The application. With `by_link` raters come in by the links of `Sessions.link_token` only."""
    site = Site(store, Sessions(secret, store.study.digest), by_link)
    routes = [
        Route("/", site.welcome),
        Route("/join/{token}", site.invited),
        Route("/join", site.join, methods=["POST"]),
        Route("/leave", site.leave, methods=["POST"]),
        Route("/rate", site.at_hand),
        Route("/rate/{item}", site.item),
        Route("/ratings", site.rated, methods=["POST"]),
        Route("/progress", site.progress),
        Route("/done", site.done),
        Route("/static/{name}", STATIC.answer),
    ]
    handlers: dict[Any, Any] = {HTTPException: site.refused, UserError: site.away}
    return Gate(Starlette(routes=routes, exception_handlers=handlers), hosts)


class Site:
    """The routes of one study."""

    def __init__(self, store: Store, sessions: Sessions, by_link: bool) -> None:
        self.desk, self.sessions, self.by_link = Desk(store), sessions, by_link
        self._told: set[str] = set()
        self._telling = threading.Lock()

    def welcome(self, request: Request) -> Response:
        """Where a browser without a link arrives."""
        session, rater = self._who(request)
        return self._page("welcome", session, rater, by_link=self.by_link, invited="", told="")

    def invited(self, request: Request) -> Response:
        """A rater's link: shows whose it is and a button."""
        session, _ = self._who(request)
        token = request.path_params["token"]
        rater = rater_of(token, self.desk.store.raters())
        if rater is None:
            raise HTTPException(
                404, "This link is not valid (any more). Ask who runs the study for a new one."
            )
        return self._page("welcome", session, rater, by_link=True, invited=token, told="")

    async def join(self, request: Request) -> Response:
        """Sign in by name or by the token of a link."""
        form = await _form(request)
        return await run_in_threadpool(self._join, request, form)

    def _join(self, request: Request, form: dict[str, str]) -> Response:
        session, _ = self._checked(request, form.get("form", ""))
        try:
            rater = self._by_token(form["token"]) if "token" in form else self._by_name(form.get("name", ""))
        except Refused as why:
            values = {"by_link": self.by_link, "invited": "", "told": f"{why}."}
            return self._page("welcome", session, None, status=422, **values)
        answer = RedirectResponse("/rate", 303)
        self._remember(answer, self.sessions.new(rater))
        return answer

    async def leave(self, request: Request) -> Response:
        """Sign out; what waits in the browser for its rater stays there."""
        form = await _form(request)
        self._checked(request, form.get("form", ""))
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(self.sessions.cookie_name, httponly=True, samesite="strict")
        return answer

    def at_hand(self, request: Request) -> Response:
        """On to the item the rater is at, or a new one."""
        _, rater = self._who(request)
        if rater is None:
            return RedirectResponse("/", 303)
        item = None if self.desk.store.closed() is not None else self.desk.next(rater)
        return RedirectResponse(f"/rate/{item.key}" if item else "/done", 303)

    def item(self, request: Request) -> Response:
        """One item with what the rater said of it so far."""
        session, rater = self._who(request)
        if rater is None:
            return RedirectResponse("/", 303)
        if self.desk.store.closed() is not None:
            return RedirectResponse("/done", 303)
        item = self._own_item(rater, request.path_params["item"])
        own = [one.key for one in self.desk.own(rater)]
        place = own.index(item.key)
        targets = order(self.desk.study, item, rater.name)
        ratings = self.desk.ratings(rater, item)
        return self._page(
            "rate", session, rater, item=item.key, instruction=shown(item.instruction),
            cards=cards(item, targets, ratings, self.desk.study.scale.letters), number=place + 1,
            before=own[place - 1] if place else None, after=own[place + 1] if place + 1 < len(own) else None,
            progress=self.desk.progress(rater), queue=self._queue(rater),
        )  # fmt: skip

    async def rated(self, request: Request) -> Response:
        """One rating: answered with `saved` when it is on disk."""
        body = await request.body()
        return await run_in_threadpool(self._rated, request, body)

    def _rated(self, request: Request, body: bytes) -> Response:
        _, rater = self._checked(request, request.headers.get("x-form-token", ""))
        if rater is None:
            raise HTTPException(401, "You are not signed in (any more).")
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            raise HTTPException(415, "A rating is posted as application/json.")
        desk = self.desk
        if desk.store.closed() is not None:
            raise HTTPException(409, "The study is closed.")
        try:
            event = event_from(body, rater.id, desk.study.scale.letters)
            item = self._own_item(rater, event.item)
            if event.target not in {target.key for target in item.targets}:
                raise HTTPException(404, "There is no such response.")
            new = desk.store.rate(event)
        except (Unfit, Refused) as why:
            raise HTTPException(400, f"{why}.") from why
        return JSONResponse({"saved": True, "new": new})

    def progress(self, request: Request) -> Response:
        """How far the rater is."""
        _, rater = self._who(request)
        if rater is None:
            raise HTTPException(401, "You are not signed in (any more).")
        far = self.desk.progress(rater)
        return JSONResponse({"finished": far.finished, "share": far.share, "left": far.said})

    def done(self, request: Request) -> Response:
        """Thanks, and the way back to what was rated."""
        session, rater = self._who(request)
        if rater is None:
            return RedirectResponse("/", 303)
        own = self.desk.own(rater)
        closed = self.desk.store.closed() is not None
        return self._page("done", session, rater, own=own, closed=closed, queue=self._queue(rater))

    def refused(self, request: Request, error: HTTPException) -> Response:
        """A mistake, as JSON to the script and as a page to a person."""
        if request.url.path in ("/ratings", "/progress"):
            return JSONResponse({"error": error.detail}, error.status_code, error.headers)
        html = page("message", self.desk.study, heading=_heading(error.status_code), sentence=error.detail)
        return HTMLResponse(html, error.status_code, error.headers)

    def away(self, request: Request, error: UserError) -> Response:
        """The store cannot write: the sentence, which names files, goes to the server's terminal alone."""
        with self._telling:
            if str(error) not in self._told:
                self._told.add(str(error))
                print(
                    f"rate.py: {error}; the pages keep what they have and try again",
                    file=sys.stderr,
                    flush=True,
                )
        return self.refused(request, HTTPException(503, AWAY))

    def _who(self, request: Request) -> tuple[Session, Rater | None]:
        """The browser's session, a new one where it has none, and who sits before it."""
        session = self.sessions.read(request.cookies.get(self.sessions.cookie_name, ""))
        if session is None:
            return self.sessions.new(), None
        rater = None if session.rater is None else self.desk.rater(session.rater)
        if rater is None or session.proof != self.sessions.proof(rater):
            rater = None
        if rater is None or (self.by_link and rater.token_hash is None):
            return Session(session.number, None), None
        return session, rater

    def _checked(self, request: Request, form_token: str) -> tuple[Session, Rater | None]:
        """`_who` of a post, which must carry the token that its page was given."""
        session = self.sessions.read(request.cookies.get(self.sessions.cookie_name, ""))
        if session is None:
            raise HTTPException(
                401, "Your browser sent no valid cookie; allow cookies here and open the page again."
            )
        if not self.sessions.form_token_is(session, form_token):
            raise HTTPException(403, "This page belongs to another sign-in; open it again.")
        return self._who(request)

    def _queue(self, rater: Rater) -> str:
        """Under which name the browser keeps what this rater has not saved yet."""
        return f"lamini:{self.sessions.mark}:{self.sessions.proof(rater)}:"

    def _by_token(self, token: str) -> Rater:
        rater = rater_of(token, self.desk.store.raters())
        if rater is None:
            raise Refused("This link is not valid (any more)")
        return rater

    def _by_name(self, name: str) -> Rater:
        known = self.desk.of_name(" ".join(name.split()))
        if self.by_link or (known is not None and known.token_hash is not None):
            raise Refused("Open the link that you were given")
        return self.desk.store.join(known.name if known else name)

    def _own_item(self, rater: Rater, key: str) -> Item:
        item = self.desk.items.get(key)
        if item is None:
            raise HTTPException(404, "There is no such item.")
        if not self.desk.owns(rater, key):
            raise HTTPException(403, "This item is somebody else's.")
        return item

    def _page(
        self, name: str, session: Session, rater: Rater | None, status: int = 200, **values: Any
    ) -> Response:
        """A page of this session, whose cookie goes along where the browser may not have it."""
        about = {"rater": rater.name if rater else "", "form": self.sessions.form_token(session)}
        answer = HTMLResponse(page(name, self.desk.study, **about, **values), status)
        self._remember(answer, session)
        return answer

    def _remember(self, answer: Response, session: Session) -> None:
        answer.set_cookie(
            self.sessions.cookie_name, self.sessions.cookie(session), max_age=DAYS * 86400,
            httponly=True, samesite="strict",
        )  # fmt: skip


async def _form(request: Request) -> dict[str, str]:
    """The first value of each field of a plain form."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return {name: values[0] for name, values in parse_qs(body, max_num_fields=20).items()}
    except ValueError as error:
        raise HTTPException(400, "This is no form of ours.") from error


def _heading(status: int) -> str:
    return {404: "Not here", 403: "Not yours", 503: "One moment"}.get(status, "This did not work")
