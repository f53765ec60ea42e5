"""Substitutions called from the signal of all reads, with their limit of detection."""
