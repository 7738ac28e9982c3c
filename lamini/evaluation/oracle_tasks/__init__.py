"""The oracle's held-out axes as tasks of lm-eval: made and judged on the spot, without a network.

A task is a YAML file of this folder; its rows and its judge are in rows.py, wrong choices in distractors.py.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
"""What `TaskManager(include_path=...)` needs to know these tasks."""
