"""Measurements against peers. Off by default: none of them runs in the tests."""
