"""How the jobs of a line are run: here, on a SLURM cluster, on Ray (config group hydra/launcher)."""
