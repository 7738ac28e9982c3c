"""The chapters of the book, one module each: `chapter(herd)` gives its text, tables and figures."""
