"""Look at what a set of pairs holds: lengths, diversity, repeats, meaning, test items (paper section 3.3).

python analyze.py data=file data.path=pairs.jsonl
python analyze.py data=lamini contamination.tasks=/path/to/test-items
"""

import hydra
from omegaconf import DictConfig

from lamini.analysis.command import job, starter
from lamini.entry import command


@hydra.main(version_base="1.3", config_path="conf", config_name="analyze")
def main(config: DictConfig) -> None:
    """One job of Hydra's."""
    job(config)


if __name__ == "__main__":
    command(main, script="analyze", starter=starter)
