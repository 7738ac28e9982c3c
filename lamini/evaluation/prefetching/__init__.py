"""mode=prefetch: models, tokenizers and rows of tasks, fetched from the hub into data_dir."""
