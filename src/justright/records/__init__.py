"""The study folder on disk: its owner, database, checkpoints, TensorBoard files and models.

`folder` finds and locks it, `store` is the database, `boards`, `models` and `checkpoints` are the other files,
`fingerprints` says whether a folder holds the study to be resumed. Import from those modules: each is cheap to import
alone, and worker processes need only `checkpoints` and `models`.
"""
