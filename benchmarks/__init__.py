"""Measurements that take longer than a test may. Off by default: no test runs one of them in full."""
