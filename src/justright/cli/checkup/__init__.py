"""`justright doctor`: what this machine and installation can do, and what is missing."""
