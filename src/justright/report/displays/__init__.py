"""Plots with matplotlib: each holds its arrays, and `plot(ax=None)` draws them and returns the axes."""
