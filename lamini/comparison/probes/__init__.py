"""Behind the chapter probes: hallucination and toxicity (paper Tables 5 and 6)."""
