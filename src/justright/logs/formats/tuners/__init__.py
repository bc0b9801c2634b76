"""Projects of tools that search for hyperparameters: a run for each trial."""
