"""A study in TensorBoard: what is written for it beside curves, and the program itself."""
