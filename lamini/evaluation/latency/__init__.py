"""How long one waits for an answer on a CPU: the cost of a student that its user feels."""
