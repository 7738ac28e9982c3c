"""The herd in Weights & Biases: a workspace and a report built by code, and scores beside the losses.

connecting.py   is there a key, does the server take it
scored.py       scores of evaluate.py as columns, apart where they do not compare
summaries.py    those columns given to the runs
pending.py      offline runs that nobody has uploaded yet, and the `wandb sync` lines that do it
panels.py       what is plotted: losses, scores, size, cost
workspace.py    the workspace, grouped by family and size
report.py       the overview of the book as a W&B report
specs.py        both as files, where W&B is not to be reached
showing.py      all of it: what compare.py wandb=true does
"""

from lamini.comparison.tracking.connecting import check_key
from lamini.comparison.tracking.showing import show

__all__ = ["check_key", "show"]
