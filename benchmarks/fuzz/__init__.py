"""Readers of files from outside, fed with what nobody meant them to read."""
