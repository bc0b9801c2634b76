"""One file per log format, and the registry that lists them."""
