"""How the first try on people's tables ends: see `__main__.py`."""
