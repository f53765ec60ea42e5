"""Checks that say whether a model is sound."""
