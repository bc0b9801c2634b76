"""How a table and its split are shown: a few lines of text, and a card in a notebook."""
