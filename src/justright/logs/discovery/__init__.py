"""Which logs a folder holds, and which runs a log holds."""
