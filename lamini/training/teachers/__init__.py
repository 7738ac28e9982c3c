"""Open teachers: models that a student can be compared with token by token, asked in every step or once.

Not to be confused with lamini/teacher, whose teachers write text.
"""
