"""What a study folder gives to other tools: networks, scripts and tables, as files of their formats."""
