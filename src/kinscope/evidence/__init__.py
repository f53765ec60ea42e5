"""Evidence: what is published of a variant."""
