"""Logs of experiment trackers: files that count steps, many series each, spread over folders."""
