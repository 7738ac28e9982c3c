"""A rater's browser without a screen: cookies, the form's token, and posts as the page makes them."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from lamini.rating.store import Store
from lamini.rating.study import Study
from lamini.rating.web.app import build
from lamini.web.gate import Hosts

HOME = "http://127.0.0.1:8000"
SECRET = b"s" * 32


def site(tmp_path: Path, study: Study, by_link: bool = False) -> tuple[Store, Any]:
    """A store of the study and its application."""
    store = Store.create(tmp_path / "ratings.sqlite", study)
    return store, build(store, SECRET, Hosts.of("127.0.0.1", 8000), by_link)


class Visitor:
    """One browser."""

    def __init__(self, app: Any, name: str | None = None) -> None:
        """Opens the page; with a name, joins by it."""
        self.client = TestClient(app, base_url=HOME, headers={"origin": HOME})
        self.page = self.client.get("/").text
        if name is not None:
            self.page = self.join(name=name).text

    def join(self, **told: str) -> Any:
        """Sign in by `name` or `token`; the page that follows."""
        form = found(r'name="form" value="([^"]+)"', self.page)[0]
        return self.client.post("/join", data={"form": form, **told})

    @property
    def item(self) -> str:
        """The key of the item on the page."""
        return found(r'data-item="([^"]+)"', self.page)[0]

    @property
    def targets(self) -> list[str]:
        """Keys of what is rated on the page, in the order shown."""
        return found(r'class="card" id="([^"]+)"', self.page)

    @property
    def form(self) -> str:
        """The token of the session's posts."""
        return found(r'data-form="([^"]+)"', self.page)[0]

    def event(self, **told: Any) -> dict[str, Any]:
        """A rating of the first target on the page, but for what is told."""
        plain = {"note": "", "skipped": False, "flagged": False, "seconds": 2.0, "level": "A"}
        return {"id": str(uuid.uuid4()), "item": self.item, "target": self.targets[0], **plain, **told}

    def post(self, event: Any, **headers: str) -> Any:
        """What the server answers to a rating."""
        return self.client.post("/ratings", json=event, headers={"x-form-token": self.form, **headers})

    def rate(self, level: str | None = "A", **told: Any) -> Any:
        """Rate the first target on the page."""
        return self.post(self.event(level=level, **told))

    def rate_all(self, level: str = "A") -> None:
        """Rate everything on the page and go on to the next one."""
        for target in self.targets:
            assert self.rate(level, target=target).json()["saved"] is True
        self.page = self.client.get("/rate").text


def found(pattern: str, page: str) -> list[str]:
    """All that a pattern catches on a page."""
    return re.findall(pattern, page)
