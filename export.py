"""Write students for other runtimes, with a check that they still answer the same, or push them to the hub.

python export.py students=outputs/herd/t5-nano to=ctranslate2
python export.py students=outputs/herd to='[gguf,onnx,ctranslate2]' gguf.converter=<llama.cpp>
python export.py students=outputs/herd/t5-nano to=hub hub.repo='me/lamini-*'
"""

import hydra
from omegaconf import DictConfig

from lamini.entry import command
from lamini.exporting.command import job, starter


@hydra.main(version_base="1.3", config_path="conf", config_name="export")
def main(config: DictConfig) -> None:
    """One job of Hydra's."""
    job(config)


if __name__ == "__main__":
    command(main, script="export", starter=starter)
