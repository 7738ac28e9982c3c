"""What the local pages of rate.py and chat.py share: who may ask, what a page may load, how it is served.

addresses.py   which addresses are this machine alone
gate.py        who may speak to a page from where, and what every answer forbids the browser
static.py      a page's own files, read once
templates.py   its HTML
text.py        characters that a page cannot show
serving.py     a socket, a server, and its end
static/        base.css: colours, controls, help; icon.svg
"""
