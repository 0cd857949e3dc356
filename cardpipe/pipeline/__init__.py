"""Second floor: the steps of an order's life. They never call each other; the alphabet is the order."""
