"""A structure that the user brings, prepared as a state."""
