"""Commands that hand a study to other tools."""
