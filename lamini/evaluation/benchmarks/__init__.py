"""Benchmarks: tasks of lm-eval by name, their rows from the hub or from local files, their chance levels."""
