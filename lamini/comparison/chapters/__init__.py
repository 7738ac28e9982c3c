"""The chapters of the book, each a module with `chapter(herd)`."""
