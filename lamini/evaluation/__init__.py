"""Scoring of students: benchmarks, held-out axes of the oracle, baselines, probes (§4.2, §6).

Importing this package makes lm-eval know our model: `lm_eval.simple_evaluate(model="lamini", ...)`. The class
itself is loaded when it is asked for; lm-eval has no other way to be told before 0.5.
"""

import lm_eval.models  # noqa: F401  its own models first: an empty registry is what makes lm-eval look for them
from lm_eval.api.registry import model_registry

model_registry.register("lamini", target="lamini.evaluation.scorer:Scorer")
