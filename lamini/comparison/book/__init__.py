"""The book: all chapters as one HTML file that needs no network and no other file.

    render.py     chapters -> the page
    listing.py    a table as the page shows it
    prose.py      our own Markdown
    policy.py     what the page may do, by its hashes
    templates/    the page, and a file for each kind of block
    static/       book.css; book.js sorts and filters, theme.js chooses light or dark before anything is drawn

Every text comes through templates that escape. The page's policy forbids all requests and every script and
style but its own; it works without scripts, too, unsorted and unfiltered.
"""
