"""Fine-tune one student, or with -m a herd (paper section 4.1).

python train.py model=flan-t5-small
python train.py -m model=flan-t5-small,gpt2-medium
"""

import hydra
from omegaconf import DictConfig

from lamini.entry import command
from lamini.launching.line import job


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(config: DictConfig) -> str | None:
    """One job of Hydra's, in whatever launcher it runs; returns why it could not begin."""
    return job(config)


if __name__ == "__main__":
    command(main, script="train")
