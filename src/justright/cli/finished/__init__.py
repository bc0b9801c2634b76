"""Commands about studies that have been trained."""
