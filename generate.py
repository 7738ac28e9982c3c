"""Have a teacher write instructions and answer them (paper section 3).

python generate.py teacher=openai dry_run=true
python generate.py teacher=oracle
"""

import hydra
from omegaconf import DictConfig

from lamini.entry import command
from lamini.generation.command import job, starter


@hydra.main(version_base="1.3", config_path="conf", config_name="generate")
def main(config: DictConfig) -> None:
    """One job of Hydra's."""
    job(config)


if __name__ == "__main__":
    command(main, script="generate", starter=starter)
