"""Answers of students, bases and teachers to one instruction set, side by side for raters (§4.2, App. C)."""
