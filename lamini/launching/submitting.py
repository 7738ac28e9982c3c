"""From the keys of hydra.launcher to submitit's executor, as hydra-submitit-launcher reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

GENERIC = {  # what submitit calls the same on every cluster
    "cpus_per_task", "gpus_per_node", "mem_gb", "name", "nodes", "stderr_to_stdout", "tasks_per_node",
    "timeout_min",
}  # fmt: skip


def executor(options: dict[str, Any], name: str, folder: Path | None = None) -> Any:
    """submitit's executor for jobs called `name`, with its files in `folder` instead of `submitit_folder`."""
    import submitit

    made = submitit.AutoExecutor(
        folder=folder or options["submitit_folder"], cluster="slurm",
        slurm_max_num_timeout=options["max_num_timeout"],
    )  # fmt: skip
    told = {**options, "name": name}
    for key in ("submitit_folder", "max_num_timeout"):
        del told[key]
    made.update_parameters(
        **{key if key in GENERIC else f"slurm_{key}": value for key, value in told.items()}
    )
    return made


def script(options: dict[str, Any]) -> str:
    """The script that sbatch will be given, with nothing to do."""
    slurm = executor(options, options["name"])._executor
    return str(slurm._make_submission_file_text("true", "check"))
