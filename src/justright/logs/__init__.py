"""Other tools' training logs: read as curves, and what curves alone can tell. No JAX, no Keras.

`formats.registry` reads a log, `reading` diagnoses its curves. Import from those modules: help texts list the formats, and
must not wait for NumPy.
"""
