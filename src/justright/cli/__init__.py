"""The `justright` command: one file per command, each a few lines around one library call."""
