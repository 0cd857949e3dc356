"""Adapter: designs, fonts, formats, presses and carriers, read from folders of data."""
