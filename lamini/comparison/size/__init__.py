"""Behind the chapter size: what a student costs, and how scores grow with size and data."""
