"""Workbooks of Excel and OpenDocument: found, bounded, and read in a process of their own."""
