"""What TensorBoard shows of a study, as event files.

`tensorboard_files` says which files there are and keeps them in step with the store. `curve_files` are the curves, which grow
while a run trains; `run_summaries` and `study_summaries` are what is known once, written as a whole: hyperparameters, best and
test metrics, histograms and verdicts.
"""
