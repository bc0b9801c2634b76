"""Commands about the folder of a study, finished or not: none of them trains."""
