"""Behind the chapter ratings: what people said (paper Figures 3 and 5)."""
