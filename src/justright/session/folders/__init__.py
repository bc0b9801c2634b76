"""What is written into a study folder beside its runs, and folders that are recorded or joined rather than trained."""
