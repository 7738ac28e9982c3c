"""Behind the chapter training: curves, and what devices may have drawn."""
