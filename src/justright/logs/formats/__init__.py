"""One file for each tool's logs, and the registry that lists them all."""
