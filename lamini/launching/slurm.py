"""hydra/launcher=slurm on the driver: submit what is left to do as one array, follow it to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn


def launch(
    options: dict[str, Any], given: dict[str, Any], job_overrides: Sequence[Sequence[str]], first: int
) -> Sequence[JobReturn]:
    """Run the jobs of a sweep on the cluster."""
    raise NotImplementedError
