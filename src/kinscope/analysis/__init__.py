"""Analysis: arrays in, arrays out."""
