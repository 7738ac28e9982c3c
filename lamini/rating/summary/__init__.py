"""What ratings say: counts, agreement, raters, differences (paper section 4.2, Figures 3 and 5).

collected.py      ratings as plain rows, people and judges apart
bootstrap.py      intervals over items
counts.py         levels by owner, A+B and mean, in the paper's order
paper.py          the paper's own counts beside them
winning.py        preferences: wins and a Bradley-Terry fit
agreement.py      Krippendorff's alpha, Cohen's and Fleiss' kappa; formulae.py for resamples
calibration.py    people with each other, a teacher as judge with people
raters.py         how much, how fast, how mildly
comparing.py      every two owners by a paired test
disagreement.py   the items that people disagree on most
summary.py        all of it; sections.py as tables, figure.py as bars, report.py as files
command.py        rate.py mode=summary
"""
