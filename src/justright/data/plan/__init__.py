"""What each column of a table is taken for, fitted on training rows, and how it becomes numbers."""
