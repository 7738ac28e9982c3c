"""Lay runs side by side: the tables and figures of the paper, as an HTML book and as files (paper section 5).

python compare.py runs=outputs/herd
python compare.py runs=paper
"""

import hydra
from omegaconf import DictConfig

from lamini.comparison.command import job, starter
from lamini.entry import command


@hydra.main(version_base="1.3", config_path="conf", config_name="compare")
def main(config: DictConfig) -> None:
    """One job of Hydra's."""
    job(config)


if __name__ == "__main__":
    command(main, script="compare", starter=starter)
