"""On which devices a stack's values are."""
