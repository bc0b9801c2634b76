"""How often `diagnose` and its peers are right, on simulated curves and on people's logs: see `__main__.py`."""
