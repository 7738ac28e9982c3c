"""Score students, bases and teachers: benchmarks, probes, answers for raters (paper sections 4.2 and 6).

python evaluate.py students=outputs/herd suite=nlp15
python evaluate.py students='[google/flan-t5-small,outputs/herd]' suite=quick
"""

import hydra
from omegaconf import DictConfig

from lamini.entry import command
from lamini.evaluation.command import job, starter


@hydra.main(version_base="1.3", config_path="conf", config_name="evaluate")
def main(config: DictConfig) -> None:
    """One job of Hydra's."""
    job(config)


if __name__ == "__main__":
    command(main, script="evaluate", starter=starter)
