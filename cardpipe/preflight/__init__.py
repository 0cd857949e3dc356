"""The inspector: small checks with eternal ids and rationales."""
