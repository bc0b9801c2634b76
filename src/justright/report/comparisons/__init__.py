"""Several studies side by side, in every form in which people want it."""
