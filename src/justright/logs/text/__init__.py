"""Text as it stands in files: tables, JSON and numbers, in any of the ways in which they are written."""
