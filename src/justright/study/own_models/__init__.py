"""Models that users made of Keras themselves: how they were compiled, and what their inputs are called."""
