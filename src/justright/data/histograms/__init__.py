"""How features are distributed: as numbers, and as a plot."""
