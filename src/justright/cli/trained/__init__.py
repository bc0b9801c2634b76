"""Commands about a study folder whose networks are trained."""
