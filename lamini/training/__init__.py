"""Training (paper section 4.1): a Lightning module of loss, log and optimizer; everything else is a callback."""
