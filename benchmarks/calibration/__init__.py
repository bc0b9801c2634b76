"""Studies of random teacher networks: drawn, judged, and held against the truth."""
