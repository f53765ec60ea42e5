"""Substitutions built, relieved of strain and recorded."""
