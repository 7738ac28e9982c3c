"""Pairs of instruction and response: reading, mixing, splitting, tokenising once, and batching.

Importing the package imports nothing heavy, because the configuration names classes in `options`.
"""
