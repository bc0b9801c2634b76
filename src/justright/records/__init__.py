"""The study folder on disk: who owns it, its database, checkpoints, TensorBoard files and models. No JAX.

`folder` finds and locks it, `store` is the database, `tensorboard`, `models` and `checkpoints` are the other
files, `fingerprints` says whether a folder holds the study it is asked to go on with. Import from those modules:
each is cheap to import on its own, and worker processes need only `checkpoints` and `models`.
"""
