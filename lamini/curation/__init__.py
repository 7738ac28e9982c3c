"""Stage 3: what of the teacher's pairs is worth training on. Each step is optional and counted.

The paper removed nothing (section 3.2) and kept some 70,000 repeats. Here steps that look at one pair alone
come first (length, refusals, echoes, languages, lossy), those that compare instructions last (exact, near):
so a pair that is dropped for its response never stands in the way of a good answer to the same instruction.
Where two rows are the same, the first in the order of the files stays.

Several samples of an instruction are asked for on purpose. Both comparisons therefore look only at rows of
the same sample number: the second sample of an instruction is no duplicate of the first, and an instruction
that came twice, from two sources or two requests, loses its second set of samples. Equal answers to one
instruction stay, because how often an answer comes is what sampling measures.
"""
