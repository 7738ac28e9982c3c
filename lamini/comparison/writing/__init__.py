"""What stands beside the book: tables in three spellings, figures, every number."""
