"""LaMini: turn one big teacher into a herd of small students, and tell which one to use."""

__version__ = "0.7.1"
