"""One place for words: numbers, labels and sentences as people read them."""
