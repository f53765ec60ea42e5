"""Structures: sources, state models, substitutions, geometry, neighbourhoods."""
