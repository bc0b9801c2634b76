"""The contract between training and all others: tasks, events, outcomes. Plain data, neither Keras nor JAX."""
