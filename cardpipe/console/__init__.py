"""Door: the console, where operators work."""
