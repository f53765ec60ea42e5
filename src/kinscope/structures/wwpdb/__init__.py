"""Entries of the wwPDB: where they come from, their chains and numbering."""
