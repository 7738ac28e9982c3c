"""Have people rate answers in the browser, blind, and sum up what they said (paper section 4.2, appendix C).

python rate.py answers=outputs/bases/answers/answers114.parquet
python rate.py answers=outputs/bases/answers/answers114.parquet mode=summary
"""

import hydra
from omegaconf import DictConfig

from lamini.entry import command
from lamini.rating.command import job, starter


@hydra.main(version_base="1.3", config_path="conf", config_name="rate")
def main(config: DictConfig) -> None:
    """One job of Hydra's."""
    job(config)


if __name__ == "__main__":
    command(main, script="rate", starter=starter)
