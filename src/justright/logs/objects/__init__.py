"""Training curves that are still in memory: what a Python object holds, as the log that its library would have written."""
