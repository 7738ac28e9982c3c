"""The page's own files, read once: a request names one of these, and no path of it reaches the disk."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

TYPES = {
    "rate.css": "text/css; charset=utf-8",
    "rate.js": "text/javascript; charset=utf-8",
    "memory.js": "text/javascript; charset=utf-8",
    "queue.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
CONTENT = {name: (files("lamini.rating.web") / "static" / name).read_bytes() for name in TYPES}
TAGS = {name: f'"{hashlib.sha256(content).hexdigest()[:16]}"' for name, content in CONTENT.items()}


def answer(request: Request) -> Response:
    """One of the files, or 404; a browser that has it gets 304."""
    name = request.path_params["name"]
    if name not in CONTENT:
        return Response("There is no such file.", 404, media_type="text/plain")
    headers = {"cache-control": "no-cache", "etag": TAGS[name]}
    if request.headers.get("if-none-match") == TAGS[name]:
        return Response(status_code=304, headers=headers)
    return Response(CONTENT[name], headers=headers, media_type=TYPES[name])
