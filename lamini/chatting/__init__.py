"""chat.py: one prompt, the answers of all chosen students side by side, word by word as they come.

    checks.py      what can be wrong with a line
    speakers.py    the students of the page, loaded one after another
    streaming.py   one answer as it grows
    asking.py      what the browser asks, checked
    rounds.py      one question to several students at the same time
    app.py         the routes
    command.py     what chat.py does with its line
    templates/     the page; static/ its style and script, on top of lamini/web's

A student has seen single instructions, so every prompt stands alone: the page keeps the rounds before, the
students do not hear of them.
"""
