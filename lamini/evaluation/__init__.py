"""Scoring of students: benchmarks, held-out axes of the oracle, baselines, probes (§4.2, §6)."""
