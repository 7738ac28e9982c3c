"""Ask all chosen students the same thing on a local page and read their answers side by side.

python chat.py students=outputs/herd
python chat.py students='[outputs/herd/t5-nano,google/flan-t5-small]' max_new_tokens=64
"""

import hydra
from omegaconf import DictConfig

from lamini.chatting.command import job, starter
from lamini.entry import command


@hydra.main(version_base="1.3", config_path="conf", config_name="chat")
def main(config: DictConfig) -> None:
    """One job of Hydra's."""
    job(config)


if __name__ == "__main__":
    command(main, script="chat", starter=starter)
