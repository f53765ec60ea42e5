"""Poses known from crystals: the reference, carried to another structure, fitted to another state."""
