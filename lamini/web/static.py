"""A page's own files, read once: a request names one of these, and no path of it reaches the disk."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
SHARED = ("base.css", "icon.svg")


class Static:
    """The route of a page's files: those all pages share, and those in the folder `static` of its package."""

    def __init__(self, package: str, names: tuple[str, ...]) -> None:
        """Reads `names` from `package`."""
        places = {**dict.fromkeys(SHARED, "lamini.web"), **dict.fromkeys(names, package)}
        self.content = {name: (files(place) / "static" / name).read_bytes() for name, place in places.items()}
        self._tags = {
            name: f'"{hashlib.sha256(content).hexdigest()[:16]}"' for name, content in self.content.items()
        }

    def answer(self, request: Request) -> Response:
        """One of the files, or 404; a browser that has it gets 304."""
        name = request.path_params["name"]
        if name not in self.content:
            return Response("There is no such file.", 404, media_type="text/plain")
        headers = {"cache-control": "no-cache", "etag": self._tags[name]}
        if request.headers.get("if-none-match") == self._tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(self.content[name], headers=headers, media_type=TYPES[name[name.rindex(".") :]])
