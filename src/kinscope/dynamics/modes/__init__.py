"""Normal modes of a model."""
