"""Searching instead of sweeping: which values are tried next depends on what came out before."""
