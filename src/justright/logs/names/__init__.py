"""What the names of a log mean: the words of the field, and how the names of one log belong together."""
