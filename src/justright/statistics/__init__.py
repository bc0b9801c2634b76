"""Intervals, crossed effects, families of comparisons, planning: numbers that know nothing of studies."""
