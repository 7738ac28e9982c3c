"""Behind the chapter dataset: the map of meaning, and the line that looks at data."""
