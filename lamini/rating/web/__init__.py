"""The page on which people rate: Starlette, Jinja2, and some hundred lines of JavaScript without a build.

    text.py       one text as safe HTML, as it was written
    pages.py      what the templates show
    desk.py       one rater between study and store: which item, which ratings, how much is left
    posting.py    what a browser posts, checked
    sessions.py   who somebody is: signed cookies, links with tokens
    app.py        the routes
    serving.py    the study served: links, and how far it is at the end; the rest is lamini/web's
    static/       rate.css; rate.js is keyboard and pointer, queue.js keeps ratings until they are saved

Why no interface library: Gradio and NiceGUI draw with a large JavaScript application of their own, which
needs script and style that a strict Content-Security-Policy refuses, brings analytics, fonts or a socket that
has to stay open, and leaves little say in focus, key handling and what a screen reader hears; both change
their component API from year to year. A rating page is a list of texts with four buttons each. Written as
HTML it works with keyboard and screen reader by itself, loads in some tens of kilobytes, and stands on small
libraries that much else stands on. The price is that the offline queue and undo are our own code, so they
are tested in a real browser.
"""
