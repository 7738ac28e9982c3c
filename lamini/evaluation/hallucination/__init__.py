"""Questions that nobody can answer: does a student reject them, or make something up (§6, App. H)?

questions.py   what is asked: our forty, a file, or the hub's set
rules.py       a verdict by phrases that anybody can read (rules.yaml)
judging.py     a verdict by a teacher
persons.py     a verdict by people, from a file
agreement.py   how far two judges agree
table.py       the paper's table with our students in it
probe.py       one student from questions to evaluation/hallucination.json
"""
