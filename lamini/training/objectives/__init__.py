"""What a student minimises: the paper's loss on the teacher's text, or one that asks an open teacher itself.

One option a file, named by `_target_` in conf/objective/*.yaml; importing an option imports no torch.
"""
