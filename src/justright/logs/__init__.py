"""Training logs of other tools: read as curves, and what curves alone can tell.

`formats.registry` reads a log, `reading` diagnoses its curves. Import from those modules: help texts list the formats and
must not wait for NumPy.
"""
