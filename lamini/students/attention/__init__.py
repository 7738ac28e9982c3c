"""How a student's queries meet its keys: one equal result, several ways to compute it."""
