"""Reports for a terminal of any width."""
