"""A real server of the rating page for the tests marked `browser`."""

from __future__ import annotations

from lamini.rating.store import Store
from lamini.rating.web.app import build
from tests.rating.web.visitor import SECRET
from tests.web.live import Served


class Live(Served):
    """The page of the study in `store`."""

    def __init__(self, store: Store) -> None:
        """Begins to serve."""
        self.store = store
        super().__init__(lambda hosts: build(store, SECRET, hosts, False))
