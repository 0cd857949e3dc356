"""First floor: what makes it mail. Values in, values and bytes out."""
