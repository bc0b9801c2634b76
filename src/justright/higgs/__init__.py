"""Everything about the tutorial's table, HIGGS: reading it, its physics, the networks that know it, and the claims made on it."""
