"""What may spoil a verdict before anything is trained: one file for each kind of warning about a table and its split."""
