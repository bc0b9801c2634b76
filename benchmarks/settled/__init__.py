"""Runs recorded to the end of their patience, on which the settling rule is replayed."""
