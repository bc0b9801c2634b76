"""From losses by row to verdicts, onsets and effects of remedies with their uncertainty, and the words for them."""
