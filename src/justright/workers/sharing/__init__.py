"""Several workers on one accelerator, where that is measured to train more in the same time."""
