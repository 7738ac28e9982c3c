"""The herd in Weights & Biases: a workspace and a report built by code, and scores beside the losses.

connecting.py   is there a key, does the server take it
summaries.py    scores of evaluate.py as columns of the runs' summaries
pending.py      offline runs that nobody has uploaded yet, and the `wandb sync` lines that do it
panels.py       what is plotted: losses, scores, size, cost
workspace.py    the workspace, grouped by family and size
report.py       the overview of the book as a W&B report
specs.py        both as files, where W&B is not to be reached
showing.py      all of it: what compare.py wandb=true does
"""

from lamini.comparison.tracking.connecting import offline
from lamini.comparison.tracking.showing import show

__all__ = ["offline", "show"]
