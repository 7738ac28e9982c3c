"""Blind rating by people, in the browser (paper section 4.2, appendix C, figures 3 and 5)."""
