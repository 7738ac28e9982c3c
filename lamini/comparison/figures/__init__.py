"""Figures of the chapters: one picture for page and files, light and dark."""
