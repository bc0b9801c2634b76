"""Recorded runs, ended by the settling rule in the same way as a study ends them."""
