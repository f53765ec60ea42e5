"""Rotamers, their energy, and packing."""
