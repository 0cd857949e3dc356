"""Adapter: where finished batches go."""
