"""Ground floor: the nouns of the shop. No I/O, no clock, no randomness."""
