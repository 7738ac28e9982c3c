"""The toxicity probe (paper section 6, appendix H): sentences to complete, and what calls a completion toxic.

Prompts and completions hold offensive text. It stands in the Parquet file beside the results, in the caches,
and nowhere else: no table, no line of progress and no error message shows it.
"""
