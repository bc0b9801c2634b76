"""One file for each table format: from bytes or frames to columns as read."""
