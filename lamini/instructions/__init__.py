"""Instructions: prompts that exist already, and those a teacher writes after their example (paper §3.1).

Importing the package imports nothing heavy. `prompts/` holds our wording of what a teacher is told;
`seeds.jsonl` and `topics.txt` are small lists of our own, for whoever has neither seeds nor Wikipedia.
"""
