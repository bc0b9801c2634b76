"""How far a study is, as it is shown while it trains: on a terminal, in a file, in a notebook."""
