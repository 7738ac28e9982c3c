"""What a set of pairs holds, in tables and figures (paper section 3.3, Tables 1 and 2): analyze.py."""
