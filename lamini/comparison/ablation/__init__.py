"""Behind the chapter ablation: runs that differ in their data (paper Table 4)."""
