"""The checks of `mode=verify`: on one batch (batches), on short runs (runs), beside a plain loop (peer)."""
