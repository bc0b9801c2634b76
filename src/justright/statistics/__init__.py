"""Intervals, crossed effects, families of comparisons and planning, independent of studies."""
