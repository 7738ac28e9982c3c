"""What is rated, one kind a file: each makes the items of a study, and says what it left out."""
