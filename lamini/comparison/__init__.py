"""compare.py, of runs: every table and figure of the paper, one book, W&B (paper section 5)."""
