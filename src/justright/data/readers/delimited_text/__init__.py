"""How delimited text is understood: its layout, the names of its columns, the lines that are its rows."""
