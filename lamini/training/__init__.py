"""Training (paper section 4.1): a Lightning module of loss and optimizer; the rest are callbacks."""
