"""First floor: words and art become pages. Values, bytes or byte streams in and out; no disk, clock or randomness."""
