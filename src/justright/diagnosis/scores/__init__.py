"""Metrics besides the loss, and what pictures of predictions are drawn from."""
