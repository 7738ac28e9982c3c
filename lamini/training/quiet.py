"""Our own lines say what matters; libraries keep their errors."""

from __future__ import annotations

import logging
import warnings

import transformers


def quiet() -> None:
    """Silence what Lightning, W&B and transformers tell beside errors."""
    for name in ("pytorch_lightning", "lightning_fabric", "wandb"):
        logging.getLogger(name).setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    for module in (
        "pytorch_lightning.*",
        "lightning_fabric.*",
    ):  # the latter: that srun is not used
        warnings.filterwarnings("ignore", module=module)
