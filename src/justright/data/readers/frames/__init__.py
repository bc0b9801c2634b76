"""Tables in memory: one file for each kind of them."""
