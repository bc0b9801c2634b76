"""Training one stack: what each chunk is given, what the host knows of its runs, and how they end."""
