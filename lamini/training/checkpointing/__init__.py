"""When a run is saved, what is kept, and where it continues."""
