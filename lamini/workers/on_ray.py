"""Workers as tasks of a Ray cluster: an existing one, or one that is started here and ended with the line.

A worker is one task that lasts as long as the line, so that Ray's own retries are not used: who dies is
started anew by the line, which knows what it had begun. Tasks of a line that dies are ended by Ray.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.launching.options import Ray
from lamini.launching.ray_cluster import connect


class RayCrew:
    """Tasks of one cluster; `init` and `remote` are the arguments of ray.init and ray.remote."""

    where = "on Ray"

    def __init__(self, init: dict[str, Any], remote: dict[str, Any]) -> None:
        self.init, self.remote = init, remote
        self.tasks: dict[int, Any] = {}
        self.ours = False  # whether the connection to Ray is this crew's

    def start(self, folder: Path, members: Sequence[int], badge: str) -> None:
        """See `Crew`."""
        ray = self._connected()
        options = {"num_cpus": 1, **self.remote, "max_retries": 0, "max_calls": 1}
        work = ray.remote(**options)(_begin)
        for member in members:
            self.tasks[member] = work.remote(folder.absolute(), member, badge)

    def _connected(self) -> Any:
        """Ray, connected.

        Raises:
            UserError: no cluster at the address.
        """
        self.ours = connect(Ray({"log_to_driver": False, **self.init}, self.remote)) or self.ours
        import ray

        return ray

    def ended(self) -> dict[int, str]:
        """See `Crew`."""
        import ray

        found = {}
        for member, task in list(self.tasks.items()):
            if not ray.wait([task], timeout=0)[0]:
                continue
            del self.tasks[member]
            try:
                ray.get(task)
                found[member] = "ended"
            except Exception as error:  # Ray's, and whatever the worker raised
                if isinstance(cause := getattr(error, "cause", None), UserError):
                    raise cause from error
                found[member] = f"died ({type(error).__name__})"
        return found

    def members(self) -> set[int]:
        """See `Crew`."""
        return set(self.tasks)

    def end(self) -> None:
        """See `Crew`."""
        import ray

        for task in self.tasks.values():
            ray.cancel(task, force=True)
        self.tasks.clear()
        if self.ours:
            ray.shutdown()
            self.ours = False


def _begin(folder: Path, member: int, badge: str) -> None:
    """What a task does."""
    from lamini.workers.member import serve

    serve(folder, member, badge)
