"""How long an epoch takes on a GPU, by justright and its peers."""
