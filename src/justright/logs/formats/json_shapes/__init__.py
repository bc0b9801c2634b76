"""JSON in the shapes in which people and tools save curves."""
