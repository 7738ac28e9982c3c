"""A teacher rates the same sheet as people do, blind as they are, so that agreement with them can be told.

prompt.txt     what it is asked: one target at a time, with the scale's criteria
prompting.py   that text for a target, and the level in what it said
command.py     rate.py mode=judge
"""
